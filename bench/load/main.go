// Command load sends one request again and again over kept connections and prints what came of it as JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

type headers []string

func (h *headers) String() string     { return strings.Join(*h, ", ") }
func (h *headers) Set(v string) error { *h = append(*h, v); return nil }

type result struct {
	Served  int     `json:"served"`
	Others  int     `json:"others"`
	Seconds float64 `json:"seconds"`
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
}

func main() {
	address := flag.String("address", "", "address to connect to")
	url := flag.String("url", "", "what to ask for")
	connections := flag.Int("connections", 64, "kept connections")
	seconds := flag.Float64("seconds", 5, "how long")
	var sent headers
	flag.Var(&sent, "header", "a header, as 'Name: value'")
	flag.Parse()

	client := &fasthttp.HostClient{Addr: *address, MaxConns: *connections}
	began := time.Now()
	end := began.Add(time.Duration(*seconds * float64(time.Second)))
	latencies := make([][]time.Duration, *connections)
	others := make([]int, *connections)
	var group sync.WaitGroup
	for n := range *connections {
		group.Add(1)
		go func() {
			defer group.Done()
			latencies[n], others[n] = knock(client, *url, sent, end)
		}()
	}
	group.Wait()
	printed, err := json.Marshal(summary(latencies, others, time.Since(began)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(printed))
}

func knock(client *fasthttp.HostClient, url string, sent headers, end time.Time) (served []time.Duration, others int) {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	request.SetRequestURI(url)
	for _, header := range sent {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	for now := time.Now(); now.Before(end); {
		err := client.Do(request, response)
		after := time.Now()
		if err == nil && response.StatusCode() == fasthttp.StatusOK {
			served = append(served, after.Sub(now))
		} else {
			others++
		}
		now = after
	}
	return served, others
}

func summary(latencies [][]time.Duration, others []int, took time.Duration) result {
	var all []time.Duration
	total := 0
	for n := range latencies {
		all = append(all, latencies[n]...)
		total += others[n]
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
	}
	return result{len(all), total, took.Seconds(), at(0.5), at(0.99)}
}
