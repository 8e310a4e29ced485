package link_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/link"
)

func TestWatchers(t *testing.T) {
	make3 := func() (w *link.Watchers, told *[]int, stops []func()) {
		w, told = new(link.Watchers), new([]int)
		for _, client := range []int{2, 0, 1} {
			stops = append(stops, w.Watch(client, func() { *told = append(*told, client) }))
		}
		return w, told, stops
	}
	run := func(calls []func()) {
		for _, call := range calls {
			call()
		}
	}
	for name, tc := range map[string]struct {
		do   func(w *link.Watchers, stops []func())
		want []int
	}{
		"nothing has happened":      {func(*link.Watchers, []func()) {}, nil},
		"in the order of the hosts": {func(w *link.Watchers, _ []func()) { w.Down(link.Everyone); run(w.Up(link.Everyone)) }, []int{0, 1, 2}},
		"not before the last is up": {func(w *link.Watchers, _ []func()) {
			w.Down(link.Everyone)
			w.Down(link.Everyone)
			run(w.Up(link.Everyone))
		}, nil},
		"once, when the last is up": {func(w *link.Watchers, _ []func()) {
			w.Down(link.Everyone)
			w.Down(link.Everyone)
			run(w.Up(link.Everyone))
			run(w.Up(link.Everyone))
		}, []int{0, 1, 2}},
		"each time": {func(w *link.Watchers, _ []func()) {
			w.Down(link.Everyone)
			run(w.Up(link.Everyone))
			w.Down(link.Everyone)
			run(w.Up(link.Everyone))
		}, []int{0, 1, 2, 0, 1, 2}},
		"one phone of three":         {func(w *link.Watchers, _ []func()) { w.Down(1); run(w.Up(1)) }, []int{1}},
		"down alone and with all":    {func(w *link.Watchers, _ []func()) { w.Down(1); w.Down(link.Everyone); run(w.Up(1)) }, nil},
		"down with all and alone":    {func(w *link.Watchers, _ []func()) { w.Down(1); w.Down(link.Everyone); run(w.Up(link.Everyone)) }, []int{0, 2}},
		"one moves":                  {func(w *link.Watchers, _ []func()) { w.Down(0); run(w.Moved(2)); run(w.Moved(0)) }, []int{2}},
		"a new address":              {func(w *link.Watchers, _ []func()) { run(w.Moved(link.Everyone)) }, []int{0, 1, 2}},
		"a new address without link": {func(w *link.Watchers, _ []func()) { w.Down(link.Everyone); run(w.Moved(link.Everyone)) }, nil},
		"not to those who stopped":   {func(w *link.Watchers, stops []func()) { stops[1](); w.Down(link.Everyone); run(w.Up(link.Everyone)) }, []int{1, 2}},
		"stopped before the call": {func(w *link.Watchers, stops []func()) {
			w.Down(link.Everyone)
			calls := w.Up(link.Everyone)
			stops[2]()
			run(calls)
		}, []int{0, 2}},
		"stopped twice": {func(w *link.Watchers, stops []func()) {
			stops[2]()
			stops[2]()
			w.Down(link.Everyone)
			run(w.Up(link.Everyone))
		}, []int{0, 2}},
		"down again before the call": {func(w *link.Watchers, _ []func()) {
			w.Down(link.Everyone)
			calls := w.Up(link.Everyone)
			w.Down(link.Everyone)
			run(calls)
		}, nil},
		"and up again": {func(w *link.Watchers, _ []func()) {
			w.Down(link.Everyone)
			late := w.Up(link.Everyone)
			w.Down(link.Everyone)
			run(late)
			run(w.Up(link.Everyone))
		}, []int{0, 1, 2}},
		"two reasons at one instant are one call": {func(w *link.Watchers, _ []func()) {
			w.Down(link.Everyone)
			calls := append(w.Up(link.Everyone), w.Moved(link.Everyone)...)
			run(calls)
		}, []int{0, 1, 2}},
		"closed": {func(w *link.Watchers, _ []func()) {
			w.Down(link.Everyone)
			calls := w.Up(link.Everyone)
			w.Close()
			run(calls)
			w.Down(link.Everyone)
			run(w.Up(link.Everyone))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, told, stops := make3()
			tc.do(w, stops)
			require.Equal(t, tc.want, *told)
		})
	}
}
