package freezing_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/freezing"
)

// What is written while the gate is shut is sent after it, in order and with what is written
// then; what arrives is read after it; and the connection is closed last.
func TestConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g freezing.Gate
		near, far := net.Pipe()
		c := g.Conn(near)
		began := time.Now()
		got := make(chan string)
		go func() {
			text, _ := io.ReadAll(far)
			require.Equal(t, time.Minute, time.Since(began))
			got <- string(text)
		}()
		g.Freeze()
		g.Freeze()
		for _, text := range []string{"a", "b", "c"} {
			n, err := c.Write([]byte(text))
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}
		time.Sleep(time.Minute)
		g.Thaw()
		_, err := c.Write([]byte("d"))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Equal(t, "abcd", <-got)
		synctest.Wait()
		require.ErrorIs(t, c.Close(), nil) // it is closed, and a pipe says nothing of a second time
		_, err = c.Write([]byte("e"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
	})
}

func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g freezing.Gate
		near, far := net.Pipe()
		c := g.Conn(near)
		began := time.Now()
		g.Freeze()
		go func() {
			_, _ = far.Write([]byte("x"))
			require.Zero(t, time.Since(began), "it has arrived")
			time.Sleep(time.Hour)
			g.Thaw()
		}()
		n, err := c.Read(make([]byte, 8))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, time.Hour, time.Since(began))
	})
}

// What is done while the gate is shut is done when it opens, unless the part was killed.
func TestDo(t *testing.T) {
	var g freezing.Gate
	var done []int
	do := func(n int) { g.Do(func() { done = append(done, n) }) }
	do(1)
	g.Freeze()
	do(2)
	do(3)
	require.Equal(t, []int{1}, done)
	g.Thaw()
	g.Thaw()
	require.Equal(t, []int{1, 2, 3}, done)
	g.Freeze()
	do(4)
	g.Drop()
	do(5)
	require.Equal(t, []int{1, 2, 3, 5}, done)
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g freezing.Gate
		require.NoError(t, g.Wait(t.Context()))
		g.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, g.Wait(ctx), context.DeadlineExceeded)
		time.AfterFunc(time.Second, g.Thaw)
		require.NoError(t, g.Wait(t.Context()))
	})
}
