// Package ledger notes which receipts were written.
package ledger

import (
	"context"
	"os"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
)

var (
	lock sync.Mutex
	pool *pgxpool.Pool
)

func opened(ctx context.Context) (*pgxpool.Pool, error) {
	lock.Lock()
	defer lock.Unlock()
	if pool != nil {
		return pool, nil
	}
	/* @klotho::persist {
	 *   id = "ledger"
	 *   [environment_variables]
	 *   LEDGER_URL = "orm.connection_string"
	 * }
	 */
	made, err := pgxpool.New(ctx, os.Getenv("LEDGER_URL"))
	if err != nil {
		return nil, err
	}
	if _, err := made.Exec(ctx, "CREATE TABLE IF NOT EXISTS ledger (receipt int PRIMARY KEY)"); err != nil {
		made.Close()
		return nil, err
	}
	pool = made
	return pool, nil
}

// Note gives how many receipts there are, with this one.
func Note(ctx context.Context, receipt int) (found int, err error) {
	pool, err := opened(ctx)
	if err != nil {
		return 0, err
	}
	if _, err := pool.Exec(ctx, "INSERT INTO ledger VALUES ($1) ON CONFLICT DO NOTHING", receipt); err != nil {
		return 0, err
	}
	err = pool.QueryRow(ctx, "SELECT count(*) FROM ledger").Scan(&found)
	return found, err
}
