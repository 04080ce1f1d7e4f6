// Package customers keeps who orders, in the database of the orders.
package customers

import (
	"context"
	"os"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// Customer is somebody who orders.
type Customer struct {
	ID    uint      `json:"id"`
	Name  string    `json:"name" gorm:"uniqueIndex"`
	Visit time.Time `json:"-" gorm:"autoCreateTime"`
}

// Store is the table of customers.
type Store struct{ database *gorm.DB }

// Open makes the table where it is not there.
func Open(ctx context.Context) (*Store, error) {
	database, err := gorm.Open(postgres.Open(os.Getenv("DATABASE_URL")), &gorm.Config{})
	if err != nil {
		return nil, err
	}
	return &Store{database}, database.WithContext(ctx).AutoMigrate(&Customer{})
}

// Known gives the customer of a name, a new one where there is none, and how many there are.
func (store *Store) Known(ctx context.Context, name string) (found Customer, all int64, err error) {
	database := store.database.WithContext(ctx)
	if err := database.Where(Customer{Name: name}).FirstOrCreate(&found).Error; err != nil {
		return found, 0, err
	}
	err = database.Model(&Customer{}).Count(&all).Error
	return found, all, err
}
