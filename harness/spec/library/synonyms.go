package library

// synonyms are keys and words of other tools and of payments, and what they are called in
// scenario files. See keys.Kind.
func synonyms() map[string]string {
	return map[string]string{
		// Links: netem has delay, loss, rate, duplicate, corrupt, reorder and limit.
		"latency": "both.delay", "delay": "both.delay", "lag": "both.delay",
		"loss": "both.loss", "packet_loss": "both.loss", "packetloss": "both.loss", "loss_rate": "both.loss", "loss_percent": "both.loss",
		"bandwidth": "both.rate", "throughput": "both.rate", "bitrate": "both.rate", "speed": "both.rate",
		"duplication": "both.duplicate", "reordering": "both.reorder", "corruption": "both.corrupt", "queue": "both.limit", "buffer": "both.limit",
		"jitter": "both.jitter", "upload": "up", "uplink": "up", "download": "down", "downlink": "down",
		"profile": "link", "network": "link", "conditions": "link", "link.network": "profile",
		// The load.
		"users": "workload.wallets", "clients": "workload.wallets", "payers": "workload.wallets", "phones": "workload.wallets", "vus": "workload.wallets",
		"payees": "workload.merchants", "orders": "workload.payments", "transactions": "workload.payments", "requests": "workload.payments", "iterations": "workload.payments",
		"rps": "workload.rate", "price": "workload.amount", "currency": "workload.amount", "timeout": "workload.deadline", "load": "workload",
		// The script and its judgement.
		"thresholds": "expect", "threshold": "expect", "assertions": "expect", "assert": "expect", "asserts": "expect", "expectations": "expect", "checks": "expect",
		"events": "timeline", "faults": "timeline", "schedule": "timeline", "steps": "timeline", "chaos": "nemesis",
		"timeline.duration": "for", "timeline.time": "at", "timeline.start": "at", "timeline.interval": "every", "timeline.after": "at", "timeline.name": "phase",
		"nemesis.duration": "for", "nemesis.name": "phase", "description": "summary", "title": "name", "system": "subject", "sut": "subject", "target": "subject",
		// Words.
		"blackhole": "disconnect=blackhole", "outage": "disconnect=blackhole", "offline": "disconnect=blackhole", "reset": "disconnect=reset", "kill": "crash", "restart": "crash",
		"bank": "server", "backend": "server", "wallet": "client", "phone": "client", "upstream": "up", "downstream": "down", "toxi": "toxiproxy", "simulation": "sim", "simnet": "sim",
	}
}
