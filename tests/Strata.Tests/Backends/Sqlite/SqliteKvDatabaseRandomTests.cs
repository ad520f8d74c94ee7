using Strata.Sqlite;

namespace Strata.Tests;

public sealed class SqliteKvDatabaseRandomTests : KvDatabaseRandomTests, IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Each commit is a transaction, and each of them writes to a file.</summary>
    protected override double Share => 0.1;

    public void Dispose() => _folder.Dispose();

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context) =>
        await SqliteKvDatabase.OpenAsync(new SqliteKvDatabaseOptions { Path = _folder.Sub("kv.db"), Durability = SqliteDurability.OperatingSystem }, context);
}
