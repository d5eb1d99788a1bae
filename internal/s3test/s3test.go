// Package s3test lends tests an S3 of their own: versitygw, a server that verifies
// signatures and when they end, over a directory, as a child process.
//
// Its one law: what it starts ends with the process that asked for it.
package s3test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	startTimeout = time.Minute // how long the server may take to answer
	starts       = 5           // that are tried: between choosing a port and listening another program may take it
	region       = "us-east-1"
)

// keeper runs a server until its standard input ends, as it does when the process that
// started it ends, however it does, and then removes what the server kept.
const keeper = `dir=$1; shift
"$@" >"$dir/log" 2>&1 &
server=$!
cat >/dev/null
kill "$server"
wait "$server"
rm -rf "$dir"
`

// Server is an S3 with one user, who may do anything. It ends with the process.
type Server struct {
	Endpoint string // http:// on a loopback address
	Access   string // the user's key id
	Secret   string // and key, drawn for this server
	Region   string

	dir     string
	pipe    *os.File // whose end ends it
	buckets atomic.Int64
}

// shared is the server of this process's tests.
var shared = sync.OnceValues(start)

// Shared returns the server that the tests of this process share. The first call of a
// machine builds its program, which takes a minute or two; t fails if that is
// impossible.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("the tests need versitygw: %v", err)
	}
	return s
}

// Setenv has the AWS SDK find the server's credentials while t runs, and no others.
func (s *Server) Setenv(t testing.TB) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": s.Access, "AWS_SECRET_ACCESS_KEY": s.Secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": s.Region,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
	} {
		t.Setenv(name, value)
	}
}

// Bucket returns the name of a new, empty bucket.
func (s *Server) Bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", s.buckets.Add(1))
	if _, err := s.client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("making a bucket: %v%s", err, s.log())
	}
	return name
}

// RemoveBucket takes a bucket away, with all that is in it, as a disaster would.
func (s *Server) RemoveBucket(t testing.TB, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, "objects", name)); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) client() *s3.Client {
	return s3.New(s3.Options{
		Region: s.Region, BaseEndpoint: &s.Endpoint, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.Access, SecretAccessKey: s.Secret}, nil
		}),
	})
}

func start() (*Server, error) {
	binary, err := program()
	if err != nil {
		return nil, err
	}
	for range starts {
		var s *Server
		if s, err = startOn(binary); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// startOn starts a server on a port that was free a moment ago.
func startOn(binary string) (*Server, error) {
	free, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return nil, err
	}
	s := &Server{Endpoint: "http://" + address, Access: "tests", Secret: rand.Text(), Region: region}
	if s.dir, err = os.MkdirTemp("", "quantaseal-s3-"); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(s.dir, "objects"), 0o700); err != nil {
		return nil, err
	}
	// Metadata are attributes of the files. In files of their own they would be seen
	// before the object is, and a Put refused that is not yet there.
	cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", s.dir, binary, "--port", address, "--region", region, "--quiet",
		"posix", filepath.Join(s.dir, "objects"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "ROOT_ACCESS_KEY=" + s.Access, "ROOT_SECRET_KEY=" + s.Secret}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a terminal's ^C is ours to notice
	stdin, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.pipe, cmd.Stdin = pipe, stdin
	err = cmd.Start()
	_ = stdin.Close() // the keeper has its own
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its log says more
	}()
	if err := s.await(); err != nil {
		err = fmt.Errorf("%w%s", err, s.log())
		_ = pipe.Close()
		<-ended // and with it the log
		return nil, err
	}
	return s, nil
}

// await returns when the server answers, and that it is this one: only it knows the
// user's key.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			_, err = s.client().ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for it: %w", err)
		}
	}
}

// log returns the end of what the server had to say.
func (s *Server) log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n" + strings.Join(lines[max(0, len(lines)-20):], "\n")
}
