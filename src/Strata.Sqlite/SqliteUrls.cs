namespace Strata.Sqlite;

/// <summary>Addresses of SQLite files.</summary>
public static class SqliteUrls
{
    /// <summary>
    /// Registers the scheme <c>sqlite:</c>: <c>sqlite:./data/orders.db?durability=flush|system&amp;busyTimeout=5s&amp;watchInterval=50ms</c>.
    /// </summary>
    public static void RegisterSqlite(this StoreUrlRegistry registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        registry.RegisterKv("sqlite:", OpenKvAsync);
    }

    private static async ValueTask<IKvDatabase> OpenKvAsync(StoreUrl url, KvOpening opening, CancellationToken cancellationToken)
    {
        StoreUrlOptions settings = new(url, "durability", "busyTimeout", "watchInterval");
        if (url.Path.Length == 0) throw new FormatException("names no file");
        var standard = new SqliteKvDatabaseOptions { Path = url.Path, Name = opening.Name };
        SqliteKvDatabaseOptions options = standard with
        {
            Durability = settings.Choice("durability", standard.Durability, ("flush", SqliteDurability.Flush), ("system", SqliteDurability.OperatingSystem)),
            BusyTimeout = settings.Time("busyTimeout") ?? standard.BusyTimeout,
            WatchInterval = settings.Time("watchInterval") ?? standard.WatchInterval,
        };
        try
        {
            options.Check();
        }
        catch (ArgumentException e)
        {
            throw new FormatException(e.Message, e);
        }

        return await SqliteKvDatabase.OpenAsync(options, opening.Context, cancellationToken).ConfigureAwait(false);
    }
}
