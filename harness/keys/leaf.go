package keys

import "github.com/onebar/onebar/harness/keys/leaf"

// The values that a document writes as one scalar are those of package leaf.
type (
	// Leaf is [leaf.Leaf].
	Leaf = leaf.Leaf
	// Scalar is [leaf.Scalar].
	Scalar = leaf.Scalar
	// Object is [leaf.Object].
	Object = leaf.Object
	// Text is [leaf.Text].
	Text = leaf.Text
	// Verbatim is [leaf.Verbatim].
	Verbatim = leaf.Verbatim
	// Optional is [leaf.Optional].
	Optional = leaf.Optional
	// Slug is [leaf.Slug].
	Slug = leaf.Slug
	// Word is [leaf.Word].
	Word = leaf.Word
	// Yes is [leaf.Yes].
	Yes = leaf.Yes
	// Count is [leaf.Count].
	Count = leaf.Count
	// Number is [leaf.Number].
	Number = leaf.Number
	// Duration is [leaf.Duration].
	Duration = leaf.Duration
	// Share is [leaf.Share].
	Share = leaf.Share
	// Bitrate is [leaf.Bitrate].
	Bitrate = leaf.Bitrate
	// Size is [leaf.Size].
	Size = leaf.Size
	// Frequency is [leaf.Frequency].
	Frequency = leaf.Frequency
	// Money is [leaf.Money].
	Money = leaf.Money
	// Amounts is [leaf.Amounts].
	Amounts = leaf.Amounts
)
