"""One route for each host that has an active grant, exact host and granted paths only; none without."""
