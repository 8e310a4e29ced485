package control_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/toxi/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toxiproxy's own client works on a Proxy: its toxics, and the one that changes
// the link.
func TestControlTakesToxiproxysClient(t *testing.T) {
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer upstream.Close()
	go func() {
		for {
			c, err := upstream.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	var got []string
	k, err := control.New(t.Context(), control.Config{
		API: "127.0.0.1:0", Name: "onebar", Listen: "127.0.0.1:0",
		Upstream: upstream.Addr().String(), Dial: upstream.Addr().String(),
		Profile: func(name string) error {
			if name == "nowhere" {
				return errors.New("there is no profile nowhere")
			}
			if len(got) == 0 || got[len(got)-1] != name {
				got = append(got, name)
			}
			return nil
		},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, k.Close()) }()
	defer http.DefaultClient.CloseIdleConnections()

	api := toxiproxy.NewClient(k.API())
	proxy, err := api.Proxy("onebar")
	require.NoError(t, err)
	require.Equal(t, k.Addr(), proxy.Listen)

	_, err = proxy.AddToxic("", control.LinkToxic, "downstream", 1, toxiproxy.Attributes{"profile": "umts"})
	require.NoError(t, err)
	_, err = proxy.UpdateToxic("link_downstream", 1, toxiproxy.Attributes{"profile": "gprs"})
	require.NoError(t, err)
	_, err = proxy.AddToxic("late", "latency", "upstream", 1, toxiproxy.Attributes{"latency": 1})
	require.NoError(t, err)
	_, err = proxy.AddToxic("second", control.LinkToxic, "upstream", 1, toxiproxy.Attributes{"profile": "nowhere"})
	require.ErrorContains(t, err, "there is no profile nowhere")

	c, err := net.Dial("tcp", k.Addr())
	require.NoError(t, err)
	_, err = c.Write([]byte("hello"))
	require.NoError(t, err)
	b := make([]byte, 5)
	_, err = io.ReadFull(c, b)
	require.NoError(t, err)
	require.Equal(t, "hello", string(b))
	require.NoError(t, c.Close())

	require.NoError(t, proxy.RemoveToxic("link_downstream"))
	require.Equal(t, []string{"umts", "gprs", ""}, got)

	_, err = api.CreateProxy("other", "127.0.0.1:0", upstream.Addr().String())
	require.ErrorContains(t, err, "one proxy")
	require.ErrorContains(t, proxy.Delete(), "one proxy")
	require.NoError(t, proxy.Disable())
	_, err = net.Dial("tcp", k.Addr())
	require.Error(t, err)
	require.NoError(t, proxy.Enable())

	res, err := http.Post("http://"+k.API()+"/proxies/onebar/toxics", "application/json", strings.NewReader("no JSON"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
}
