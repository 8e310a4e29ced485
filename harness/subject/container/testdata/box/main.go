// Command box is the program that the tests run in containers.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	die := flag.Bool("die", false, "end at once")
	deaf := flag.Bool("deaf", false, "do not listen")
	later := flag.Duration("later", 0, "listen after this")
	flag.Parse()
	fmt.Println("box begins")
	if *die {
		fmt.Println("no database")
		os.Exit(3)
	}
	if *deaf {
		time.Sleep(time.Hour)
	}
	lives, _ := os.ReadFile("/state/lives")
	_ = os.WriteFile("/state/lives", append(lives, 'x'), 0o644)
	http.HandleFunc("/lives", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, len(lives)+1) })
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv(r.FormValue("name"))) })
	http.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.FormValue("code"))
		fmt.Println("told to end")
		os.Exit(code)
	})
	http.HandleFunc("/fetch", func(w http.ResponseWriter, r *http.Request) {
		res, err := http.Get(r.FormValue("url"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		_, _ = io.Copy(w, res.Body)
	})
	time.Sleep(*later)
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("box is open")
	fmt.Println(http.Serve(listener, nil))
}
