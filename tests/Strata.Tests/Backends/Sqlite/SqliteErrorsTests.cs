using Strata.Sqlite;
using Xunit;

namespace Strata.Tests;

/// <summary>SQLite's errors, each with what a caller can do.</summary>
public sealed class SqliteErrorsTests
{
    [Theory]
    [InlineData(13, StorageErrorKind.Full, true)]
    [InlineData(10 | (19 << 8), StorageErrorKind.Full, true)]
    [InlineData(5, StorageErrorKind.Timeout, true)]
    [InlineData(5 | (2 << 8), StorageErrorKind.Timeout, true)]
    [InlineData(6, StorageErrorKind.Timeout, true)]
    [InlineData(15, StorageErrorKind.Timeout, true)]
    [InlineData(11, StorageErrorKind.Corrupt, false)]
    [InlineData(11 | (1 << 8), StorageErrorKind.Corrupt, false)]
    [InlineData(26, StorageErrorKind.Corrupt, false)]
    [InlineData(8, StorageErrorKind.AccessDenied, false)]
    [InlineData(8 | (4 << 8), StorageErrorKind.AccessDenied, false)]
    [InlineData(3, StorageErrorKind.AccessDenied, false)]
    [InlineData(14, StorageErrorKind.Unavailable, false)]
    [InlineData(10 | (4 << 8), StorageErrorKind.Unavailable, false)]
    [InlineData(7, StorageErrorKind.Unavailable, true)]
    [InlineData(18, StorageErrorKind.TooLarge, false)]
    [InlineData(1, StorageErrorKind.Unavailable, false)]
    public void An_error_says_its_kind_and_whether_to_try_again(int code, StorageErrorKind kind, bool isTransient)
    {
        StorageException e = SqliteErrors.Of(code, "detail", "write", new SqlitePlace("/data/kv.db", "orders"), WriteOutcome.Unknown);
        Assert.Equal((kind, isTransient, WriteOutcome.Unknown), (e.Kind, e.IsTransient, e.Outcome));
        Assert.Equal(("write", "orders"), (e.Operation, e.Store));
        Assert.Contains("/data/kv.db", e.Message, StringComparison.Ordinal);
        Assert.Contains($"{code}: detail", e.Message, StringComparison.Ordinal);
    }
}
