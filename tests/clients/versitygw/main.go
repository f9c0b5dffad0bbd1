// Versity's S3 gateway over a folder, as it is, for tests of the S3 client:
//
//	versitygw HOST:PORT FOLDER METADATA
//
// Its one user has the access key of VERSITYGW_KEY_ID and VERSITYGW_SECRET. It ends with its standard
// input.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: versitygw HOST:PORT FOLDER METADATA")
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	store, err := meta.NewSideCar(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	files, err := posix.New(os.Args[2], store, posix.PosixOpts{SideCarDir: os.Args[3]})
	if err != nil {
		log.Fatal(err)
	}
	err = embedgw.RunVersityGW(ctx, files, &embedgw.Config{
		RootUserAccess:    os.Getenv("VERSITYGW_KEY_ID"),
		RootUserSecret:    os.Getenv("VERSITYGW_SECRET"),
		Ports:             []string{os.Args[1]},
		MaxConnections:    100,
		MaxRequests:       100,
		MultipartMaxParts: 10000,
		KeepAlive:         true,
		Quiet:             true,
	})
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}
