// Package orders keeps orders in PostgreSQL.
package orders

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	_ "github.com/lib/pq"
)

// ErrUnknown is the error of an order that there is not.
var ErrUnknown = errors.New("there is no such order")

// Order is what somebody wants.
type Order struct {
	ID    int       `json:"id"`
	Item  string    `json:"item"`
	Count int       `json:"count"`
	Until time.Time `json:"until"`
}

// Store is the table of orders.
type Store struct{ database *sql.DB }

// Open makes the table where it is not there.
func Open(ctx context.Context) (*Store, error) {
	/* @klotho::persist {
	 *   id = "orders"
	 *   [environment_variables]
	 *   DATABASE_URL = "orm.connection_string"
	 * }
	 */
	database, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	_, err = database.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS orders (
		id serial PRIMARY KEY, item text NOT NULL, count int NOT NULL CHECK (count > 0), until timestamptz)`)
	return &Store{database}, err
}

// List gives all orders.
func (store *Store) List(ctx context.Context) ([]Order, error) {
	rows, err := store.database.QueryContext(ctx, "SELECT id, item, count, until FROM orders ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []Order{}
	for rows.Next() {
		var order Order
		if err := rows.Scan(&order.ID, &order.Item, &order.Count, &order.Until); err != nil {
			return nil, err
		}
		order.Until = order.Until.UTC()
		found = append(found, order)
	}
	return found, rows.Err()
}

// Add gives the order a number.
func (store *Store) Add(ctx context.Context, order Order) (Order, error) {
	err := store.database.QueryRowContext(
		ctx, "INSERT INTO orders (item, count, until) VALUES ($1, $2, $3) RETURNING id", order.Item, order.Count, order.Until,
	).Scan(&order.ID)
	return order, err
}

// Get gives one order.
func (store *Store) Get(ctx context.Context, id int) (Order, error) {
	order := Order{ID: id}
	row := store.database.QueryRowContext(ctx, "SELECT item, count, until FROM orders WHERE id = $1", id)
	err := row.Scan(&order.Item, &order.Count, &order.Until)
	if errors.Is(err, sql.ErrNoRows) {
		return Order{}, ErrUnknown
	}
	order.Until = order.Until.UTC()
	return order, err
}
