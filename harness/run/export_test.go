package run

import "io"

// Tap has the history of a run written to what wrap returns.
func (o *Options) Tap(wrap func(io.Writer) io.Writer) { o.tap = wrap }
