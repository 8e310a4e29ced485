package keys

import "github.com/onebar/onebar/harness/keys/leaf"

// What is written as one scalar, see package leaf.
type (
	Leaf      = leaf.Leaf
	Scalar    = leaf.Scalar
	Object    = leaf.Object
	Text      = leaf.Text
	Verbatim  = leaf.Verbatim
	Optional  = leaf.Optional
	Slug      = leaf.Slug
	Word      = leaf.Word
	Yes       = leaf.Yes
	Count     = leaf.Count
	Number    = leaf.Number
	Duration  = leaf.Duration
	Share     = leaf.Share
	Bitrate   = leaf.Bitrate
	Size      = leaf.Size
	Frequency = leaf.Frequency
	Money     = leaf.Money
	Amounts   = leaf.Amounts
)
