// A grpc-go server of the same streams, for comparison: its messages come encoded and are sent to every stream as they
// are. It is told what to do as the other servers are, see servers/control.ts.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
)

// Messages that the bench made, in hex.
type messages struct {
	Bookmark string `json:"bookmark"`
	Epoch    string `json:"epoch"`
	Answer   string `json:"answer"`
}

// Passes bytes on as they are, in place of the protobuf codec.
type asIs struct{}

func (asIs) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (asIs) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = data
	return nil
}

func (asIs) Name() string { return "proto" }

type hub struct {
	mutex  sync.Mutex
	open   map[chan *[]byte]struct{}
	first  []byte
	answer []byte
}

// Messages that one stream may be behind before publishing waits for it.
const queueLength = 64

func (h *hub) watch(_ any, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	queue := make(chan *[]byte, queueLength)
	h.mutex.Lock()
	h.open[queue] = struct{}{}
	h.mutex.Unlock()
	defer func() {
		h.mutex.Lock()
		delete(h.open, queue)
		h.mutex.Unlock()
	}()
	if err := stream.SendMsg(&h.first); err != nil {
		return err
	}
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case message := <-queue:
			if err := stream.SendMsg(message); err != nil {
				return err
			}
		}
	}
}

func (h *hub) publish(message *[]byte) int64 {
	start := monotonicNs()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for queue := range h.open {
		queue <- message
	}
	return start
}

func monotonicNs() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		log.Fatal(err)
	}
	return now.Nano()
}

func readMessages(path string) (bookmark, epoch, answer []byte) {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	var read messages
	if err := json.Unmarshal(text, &read); err != nil {
		log.Fatal(err)
	}
	bytesOf := func(digits string) []byte {
		decoded, err := hex.DecodeString(digits)
		if err != nil {
			log.Fatal(err)
		}
		return decoded
	}
	return bytesOf(read.Bookmark), bytesOf(read.Epoch), bytesOf(read.Answer)
}

func serve(h *hub) int {
	encoding.RegisterCodec(asIs{})
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "zipnet.v1.EpochService",
		HandlerType: (*any)(nil),
		Streams:     []grpc.StreamDesc{{StreamName: "WatchEpochs", Handler: h.watch, ServerStreams: true}},
		Methods: []grpc.MethodDesc{{
			MethodName: "GetEpoch",
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var request []byte
				return &h.answer, decode(&request)
			},
		}},
	}, h)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(server.Serve(listener)) }()
	return listener.Addr().(*net.TCPAddr).Port
}

func main() {
	bookmark, epoch, answer := readMessages(os.Args[1])
	h := &hub{open: map[chan *[]byte]struct{}{}, first: bookmark, answer: answer}
	fmt.Printf("{\"listening\":{\"port\":%d,\"openingMessages\":1}}\n", serve(h))
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		switch command := commands.Text(); command {
		case "publish":
			fmt.Printf("{\"publish\":%d}\n", h.publish(&epoch))
		case "gc":
			runtime.GC()
			debug.FreeOSMemory()
			fmt.Println(`{"gc":1}`)
		default:
			fmt.Printf("{%q:null}\n", command)
		}
	}
}
