package segment

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

func FuzzTimestamps(f *testing.F) {
	syn := make([]byte, 20)
	n := header.EncodeMSSOption(1460, syn)
	n += header.EncodeSACKPermittedOption(syn[n:])
	n += header.EncodeTSOption(1, 2, syn[n:])
	n += header.EncodeNOP(syn[n:])
	header.EncodeWSOption(7, syn[n:])
	f.Add(syn)
	f.Add([]byte{header.TCPOptionTS, header.TCPOptionTSLength, 1})
	f.Add([]byte{header.TCPOptionNOP, 200, 0})
	f.Fuzz(func(t *testing.T, options []byte) {
		got := timestamps(options)
		if got == nil {
			return
		}
		require.Len(t, got, 8)
		got[0]++ // it is part of the options
		require.Equal(t, got, timestamps(options))
	})
}
