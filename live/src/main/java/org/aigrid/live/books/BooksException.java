package org.aigrid.live.books;

/// The books cannot be opened or written, or an order for them makes no sense: one sentence says
/// what, where, and what to do.
public final class BooksException extends RuntimeException {
  public BooksException(String message) {
    super(message);
  }

  public BooksException(String message, Throwable cause) {
    super(message, cause);
  }
}
