// Package receipts signs and keeps what was ordered.
package receipts

// @klotho::execution_unit { id = "receipts" }

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strconv"

	"example.com/shop/ledger"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"
)

/* @klotho::config {
 *   id = "receipt-key"
 *   secret = true
 * }
 */
var key = os.Getenv("RECEIPT_KEY")

var kept = opened()

func opened() *blob.Bucket {
	// @klotho::persist { id = "receipts" }
	bucket, err := blob.OpenBucket(context.Background(), "mem://")
	if err != nil {
		panic(err)
	}
	return bucket
}

// Write keeps the receipt of an order, and says how many there are.
func Write(ctx context.Context, order int, text string) (int, error) {
	code := hmac.New(sha256.New, []byte(key))
	code.Write([]byte(text))
	signed := text + "\n" + hex.EncodeToString(code.Sum(nil)) + "\n"
	if err := kept.WriteAll(ctx, strconv.Itoa(order), []byte(signed), nil); err != nil {
		return 0, err
	}
	return ledger.Note(ctx, order)
}

// Read gives the receipt of an order, and one that says so where there is none.
func Read(ctx context.Context, order int) (string, error) {
	if key == "" {
		return "", errors.New("receipts have no key")
	}
	text, err := kept.ReadAll(ctx, strconv.Itoa(order))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return "no receipt\n", nil
	}
	return string(text), err
}
