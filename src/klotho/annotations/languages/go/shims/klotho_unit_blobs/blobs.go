// Package klotho_unit_blobs has buckets of gocloud.dev/blob in S3 when the unit is deployed, and those they were when it
// is not. It speaks to S3 by itself: gocloud's own driver would bring the AWS SDK into the program.
package klotho_unit_blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"klotho.invalid/klotho_unit"
)

// Bucket is gocloud's.
type Bucket = blob.Bucket

// Opened gives the bucket of S3 of this name, or the one that the code opens.
func Opened(name string, open func() (*Bucket, error)) (*Bucket, error) {
	if !klotho_unit.IsDeployed() {
		return open()
	}
	objects, err := klotho_unit.ObjectsOf(name)
	if err != nil {
		return nil, err
	}
	return blob.NewBucket(&bucket{objects}), nil
}

// Made is Opened for what can't fail.
func Made(name string, open func() *Bucket) *Bucket {
	found, err := Opened(name, func() (*Bucket, error) { return open(), nil })
	if err != nil {
		panic(err)
	}
	return found
}

type bucket struct{ objects *klotho_unit.Objects }

var _ driver.Bucket = &bucket{}

func (*bucket) As(interface{}) bool             { return false }
func (*bucket) ErrorAs(error, interface{}) bool { return false }
func (*bucket) Close() error                    { return nil }

func (*bucket) ErrorCode(err error) gcerrors.ErrorCode {
	var refused *klotho_unit.AwsError
	switch {
	case errors.Is(err, errNotSupported):
		return gcerrors.Unimplemented
	case !errors.As(err, &refused):
		return gcerrors.Unknown
	}
	switch refused.Status {
	case http.StatusNotFound:
		return gcerrors.NotFound
	case http.StatusForbidden:
		return gcerrors.PermissionDenied
	case http.StatusPreconditionFailed, http.StatusConflict:
		return gcerrors.FailedPrecondition
	}
	return gcerrors.Unknown
}

var errNotSupported = errors.New("not supported by a bucket that Klotho keeps")

func nothing(interface{}) bool { return false }

func (b *bucket) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	header, err := b.objects.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	found := &driver.Attributes{
		CacheControl: header.Get("Cache-Control"), ContentDisposition: header.Get("Content-Disposition"),
		ContentEncoding: header.Get("Content-Encoding"), ContentLanguage: header.Get("Content-Language"),
		ContentType: header.Get("Content-Type"), ETag: header.Get("ETag"), MD5: digestOf(header.Get("ETag")),
		Metadata: map[string]string{},
	}
	found.ModTime, _ = http.ParseTime(header.Get("Last-Modified"))
	found.Size, _ = strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	for name, values := range header {
		if own := strings.ToLower(name); strings.HasPrefix(own, "x-amz-meta-") {
			name := strings.ReplaceAll(strings.TrimPrefix(own, "x-amz-meta-"), ".", "%")
			found.Metadata[unescaped(name)] = unescaped(values[0])
		}
	}
	return found, nil
}

// inName writes an escaped text with what a signed header may be named by.
var inName = strings.NewReplacer("%", ".", ".", ".2E", "~", ".7E", "+", ".20")

// digestOf gives the MD5 that S3 has of an object that was put at once; nil of others.
func digestOf(etag string) []byte {
	digest, err := hex.DecodeString(strings.Trim(etag, `"`))
	if err != nil || len(digest) != 16 {
		return nil
	}
	return digest
}

func unescaped(text string) string {
	if found, err := url.QueryUnescape(text); err == nil {
		return found
	}
	return text
}

func (b *bucket) ListPaged(ctx context.Context, options *driver.ListOptions) (*driver.ListPage, error) {
	if options.BeforeList != nil {
		if err := options.BeforeList(nothing); err != nil {
			return nil, err
		}
	}
	limit := 1000
	if 0 < options.PageSize && options.PageSize < limit {
		limit = options.PageSize
	}
	listed, next, err := b.objects.List(ctx, options.Prefix, options.Delimiter, string(options.PageToken), limit)
	if err != nil {
		return nil, err
	}
	page := &driver.ListPage{NextPageToken: []byte(next)}
	for _, item := range listed {
		object := &driver.ListObject{Key: item.Key, IsDir: item.IsFolder}
		if !item.IsFolder {
			object.Size, object.ModTime, object.MD5 = item.Size, item.LastModified, digestOf(item.ETag)
		}
		page.Objects = append(page.Objects, object)
	}
	sort.Slice(page.Objects, func(one, other int) bool { return page.Objects[one].Key < page.Objects[other].Key })
	return page, nil
}

type reader struct {
	io.ReadCloser
	attributes driver.ReaderAttributes
}

func (r *reader) Attributes() *driver.ReaderAttributes { return &r.attributes }
func (*reader) As(interface{}) bool                    { return false }

func (b *bucket) NewRangeReader(
	ctx context.Context, key string, offset, length int64, options *driver.ReaderOptions,
) (driver.Reader, error) {
	if options.BeforeRead != nil {
		if err := options.BeforeRead(nothing); err != nil {
			return nil, err
		}
	}
	if length != 0 {
		answer, err := b.objects.Get(ctx, key, offset, length)
		var refused *klotho_unit.AwsError
		if err == nil {
			return readerOf(answer.Header, answer.Body), nil
		}
		if !errors.As(err, &refused) || refused.Status != http.StatusRequestedRangeNotSatisfiable {
			return nil, err
		}
	}
	// S3 reads no nothing, nor beyond the end.
	header, err := b.objects.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	return readerOf(header, io.NopCloser(strings.NewReader(""))), nil
}

func readerOf(header http.Header, body io.ReadCloser) *reader {
	found := &reader{ReadCloser: body}
	found.attributes.ContentType = header.Get("Content-Type")
	found.attributes.ModTime, _ = http.ParseTime(header.Get("Last-Modified"))
	size := header.Get("Content-Length")
	if part := header.Get("Content-Range"); part != "" { // bytes 2-5/10
		size = part[strings.LastIndex(part, "/")+1:]
	}
	found.attributes.Size, _ = strconv.ParseInt(size, 10, 64)
	return found
}

// inMemory is how many bytes of an object are kept in memory while it is written; more go to a file.
const inMemory = 4 << 20

type writer struct {
	ctx     context.Context
	objects *klotho_unit.Objects
	key     string
	header  map[string]string
	digest  hash.Hash
	size    int64
	memory  bytes.Buffer
	file    *os.File
}

func (b *bucket) NewTypedWriter(
	ctx context.Context, key, contentType string, options *driver.WriterOptions,
) (driver.Writer, error) {
	if options.BeforeWrite != nil {
		if err := options.BeforeWrite(nothing); err != nil {
			return nil, err
		}
	}
	header := map[string]string{}
	for name, value := range map[string]string{
		"Content-Type": contentType, "Cache-Control": options.CacheControl, "Content-Encoding": options.ContentEncoding,
		"Content-Disposition": options.ContentDisposition, "Content-Language": options.ContentLanguage,
	} {
		if value != "" {
			header[name] = value
		}
	}
	for name, value := range options.Metadata {
		header["X-Amz-Meta-"+inName.Replace(url.QueryEscape(name))] = url.QueryEscape(value)
	}
	// Not known to every version of gocloud.
	if once := reflect.ValueOf(options).Elem().FieldByName("IfNotExist"); once.IsValid() && once.Bool() {
		header["If-None-Match"] = "*"
	}
	return &writer{ctx: ctx, objects: b.objects, key: key, header: header, digest: sha256.New()}, nil
}

func (w *writer) Write(content []byte) (int, error) {
	if w.file == nil && w.memory.Len()+len(content) > inMemory {
		file, err := os.CreateTemp("", "klotho-")
		if err != nil {
			return 0, err
		}
		if w.file = file; os.Remove(file.Name()) != nil { // it is gone when it is closed
			return 0, errors.New("the file for an object can't be made")
		}
		if _, err := w.memory.WriteTo(file); err != nil {
			return 0, err
		}
	}
	w.digest.Write(content)
	w.size += int64(len(content))
	if w.file != nil {
		return w.file.Write(content)
	}
	return w.memory.Write(content)
}

func (w *writer) Close() error {
	var content io.ReadSeeker = bytes.NewReader(w.memory.Bytes())
	if w.file != nil {
		defer w.file.Close()
		content = w.file
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return w.objects.Put(w.ctx, w.key, content, w.size, hex.EncodeToString(w.digest.Sum(nil)), w.header)
}

func (b *bucket) Copy(ctx context.Context, to, from string, options *driver.CopyOptions) error {
	if options.BeforeCopy != nil {
		if err := options.BeforeCopy(nothing); err != nil {
			return err
		}
	}
	return b.objects.Copy(ctx, to, from)
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	if _, err := b.objects.Head(ctx, key); err != nil { // S3 deletes what is not there
		return err
	}
	return b.objects.Delete(ctx, key)
}

func (b *bucket) SignedURL(_ context.Context, key string, options *driver.SignedURLOptions) (string, error) {
	if options.EnforceAbsentContentType && options.ContentType == "" {
		return "", errNotSupported
	}
	header := map[string]string{}
	if options.ContentType != "" {
		header["content-type"] = options.ContentType
	}
	if options.Expiry > 7*24*time.Hour {
		return "", errors.New("an address of S3 is good for seven days at most")
	}
	return b.objects.Presigned(options.Method, key, header, options.Expiry)
}
