using Strata.Sqlite;
using Strata.Testing;

namespace Strata.Tests;

/// <summary>The promises of the KV contract, kept by a SQLite file.</summary>
[ConformanceOf(typeof(SqliteKvDatabase))]
public sealed class SqliteKvDatabaseConformance : KvDatabaseConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context) =>
        await SqliteKvDatabase.OpenAsync(new SqliteKvDatabaseOptions { Path = Path.Combine(_folder.Path, "kv.db"), Durability = SqliteDurability.OperatingSystem }, context);

    protected override int CountWatches(IKvDatabase database) => ((SqliteKvDatabase)database).Watches;

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
