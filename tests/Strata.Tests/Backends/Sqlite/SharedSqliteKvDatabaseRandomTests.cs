using Strata.Sqlite;

namespace Strata.Tests;

/// <summary>Three who share one file are one database, to each of those who call them in turn.</summary>
public sealed class SharedSqliteKvDatabaseRandomTests : KvDatabaseRandomTests, IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Those who write wait for each other.</summary>
    protected override double Share => 0.05;

    public void Dispose() => _folder.Dispose();

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context)
    {
        var options = new SqliteKvDatabaseOptions { Path = _folder.Sub("kv.db"), Durability = SqliteDurability.OperatingSystem, BusyTimeout = TimeSpan.FromSeconds(30) };
        return new SharedSqliteKvDatabase(await SqliteKvDatabase.OpenAsync(options, context), await SqliteKvDatabase.OpenAsync(options, context), await SqliteKvDatabase.OpenAsync(options, context));
    }
}
