// Package wire encodes the types of package pay as Protocol Buffers (payment.proto). Every
// channel that carries bytes uses it; the channel frames and protects the bytes.
package wire

//go:generate sh -c "go build -o protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go && protoc --plugin=./protoc-gen-go --go_out=internal/pb --go_opt=paths=source_relative payment.proto && rm protoc-gen-go"
