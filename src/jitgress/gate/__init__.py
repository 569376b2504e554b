"""The data plane's agent: desired programme, HAProxy runtime, configuration."""
