// Command client is a client for onebar in a page of Go: it reads commands and
// prints events as docs/exec-client.md has them, and pays at the API of
// docs/examples/shop.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// command is what onebar says.
type command struct {
	Command   string   `json:"command"`
	Server    string   `json:"server"`
	Wallets   []wallet `json:"wallets"`
	Merchants []string `json:"merchants"`
	Balance   int64    `json:"balance"`
	Restarted bool     `json:"restarted"`

	ID       string `json:"id"`
	Order    string `json:"order"`
	Payer    string `json:"payer"`
	Payee    string `json:"payee"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Address  string `json:"address"`
}

type wallet struct {
	Account string `json:"account"`
}

func main() {
	c := &client{out: json.NewEncoder(os.Stdout), http: &http.Client{Timeout: 5 * time.Second}}
	lines := bufio.NewScanner(os.Stdin)
	var paying sync.WaitGroup
	for lines.Scan() {
		var cmd command
		if err := json.Unmarshal(lines.Bytes(), &cmd); err != nil {
			fmt.Fprintln(os.Stderr, "client:", err)
			continue
		}
		switch cmd.Command {
		case "start":
			c.start(cmd)
		case "pay":
			paying.Go(func() { c.pay(cmd) })
		case "quit":
			return
		}
	}
}

type client struct {
	mu   sync.Mutex
	out  *json.Encoder
	http *http.Client
}

// say prints an event.
func (c *client) say(event map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.out.Encode(event) // whoever reads may be gone
}

// start opens the accounts, beside the impaired link.
func (c *client) start(cmd command) {
	accounts := map[string]int64{}
	for _, w := range cmd.Wallets {
		accounts[w.Account] = cmd.Balance
	}
	for _, m := range cmd.Merchants {
		accounts[m] = 0
	}
	for name, balance := range accounts {
		if cmd.Restarted {
			break
		}
		status, err := c.send(http.MethodPut, "http://"+cmd.Server+"/accounts/"+name, "", map[string]any{"balance": balance})
		if err != nil || status != http.StatusOK {
			fmt.Fprintln(os.Stderr, "client: open account", name, status, err)
			return
		}
	}
	c.say(map[string]any{"event": "ready", "onebar": 1})
}

// pay tries until there is an answer. The order is the key, so that a user who
// presses twice pays once.
func (c *client) pay(cmd command) {
	c.say(map[string]any{"event": "called", "payment": cmd.ID, "key": cmd.Order})
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		began := time.Now()
		status, err := c.send(http.MethodPost, "http://"+cmd.Address+"/payments", cmd.Order, map[string]any{
			"order": cmd.Order, "payer": cmd.Payer, "payee": cmd.Payee, "amount": cmd.Amount, "currency": cmd.Currency,
		})
		attempt := map[string]any{"event": "attempt", "payment": cmd.ID, "took_ms": time.Since(began).Milliseconds(), "dialed": err != nil}
		if err != nil {
			attempt["error"] = err.Error()
		}
		c.say(attempt)
		switch status {
		case http.StatusCreated:
			c.say(map[string]any{"event": "told", "payment": cmd.ID, "outcome": "confirmed"})
			return
		case http.StatusPaymentRequired:
			c.say(map[string]any{"event": "told", "payment": cmd.ID, "outcome": "declined", "reason": "insufficient funds"})
			return
		}
		c.say(map[string]any{"event": "told", "payment": cmd.ID, "outcome": "unknown"})
		time.Sleep(wait)
	}
}

// send makes a request and returns the status of the answer.
func (c *client) send(method, url, key string, body map[string]any) (int, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}
