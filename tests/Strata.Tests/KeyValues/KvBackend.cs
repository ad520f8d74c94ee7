using Strata.Sqlite;

namespace Strata.Tests;

/// <summary>The databases that the tests of the model and of queues run over, each in turn: what they show over one holds over all.</summary>
public enum KvBackend
{
    Memory,
    Disk,
    Sqlite,
}

internal static class KvBackends
{
    /// <summary>Opens an empty database of a kind, in a folder that is there. Nothing is flushed: these tests lose no power.</summary>
    public static async ValueTask<IKvDatabase> OpenAsync(this KvBackend backend, string folder, StoreContext context, KvLimits? limits = null) => backend switch
    {
        KvBackend.Memory => new MemoryKvDatabase(new MemoryKvDatabaseOptions { Limits = limits ?? KvLimits.Embedded }, context),
        KvBackend.Disk => await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Path = folder, Durability = DiskDurability.OperatingSystem, Limits = limits ?? KvLimits.Embedded }, context),
        KvBackend.Sqlite => await SqliteKvDatabase.OpenAsync(
            new SqliteKvDatabaseOptions { Path = Path.Combine(folder, "kv.db"), Durability = SqliteDurability.OperatingSystem, Limits = limits ?? KvLimits.Embedded }, context),
        _ => throw new ArgumentOutOfRangeException(nameof(backend)),
    };
}
