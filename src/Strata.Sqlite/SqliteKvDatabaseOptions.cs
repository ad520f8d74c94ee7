namespace Strata.Sqlite;

/// <summary>Settings of a <see cref="SqliteKvDatabase"/>.</summary>
public sealed record SqliteKvDatabaseOptions
{
    /// <summary>
    /// The file; created if it is missing, with its folder. It must be on a disk of this machine: the processes that share
    /// it share memory. Beside it lie its log (<c>-wal</c>) and an index of that (<c>-shm</c>); they belong to it.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>The database's name in messages and metrics. Default <c>sqlite</c>.</summary>
    public string Name { get; init; } = "sqlite";

    /// <summary>When a commit is acknowledged. Default <see cref="SqliteDurability.Flush"/>.</summary>
    public SqliteDurability Durability { get; init; }

    /// <summary>What it takes in one call. Default <see cref="KvLimits.Embedded"/>.</summary>
    public KvLimits Limits { get; init; } = KvLimits.Embedded;

    /// <summary>How long a commit waits for other processes' commits, 0 to 10 minutes, before it is refused with kind Timeout. Default 5 s.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Reads at once, 1 to 1,000, each on a connection of its own of up to about 2 MiB; more wait. Default: 4, or as many as there are processors.</summary>
    public int MaxReaders { get; init; } = Math.Clamp(Environment.ProcessorCount, 4, 1_000);

    /// <summary>How often, while somebody watches, it is looked whether another process has written: 1 ms to 1 minute. Default 50 ms.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    internal void Check()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Path, nameof(Path));
        ArgumentException.ThrowIfNullOrWhiteSpace(Name, nameof(Name));
        ArgumentNullException.ThrowIfNull(Limits);
        if (Path.Contains('\0', StringComparison.Ordinal)) throw new ArgumentException("A path holds no NUL.", nameof(Path));
        if (!Enum.IsDefined(Durability)) throw new ArgumentOutOfRangeException(nameof(Durability), Durability, "It is Flush or OperatingSystem.");
        Within(BusyTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(10), nameof(BusyTimeout));
        Within(WatchInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1), nameof(WatchInterval));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxReaders, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxReaders, 1_000);
    }

    private static void Within(TimeSpan value, TimeSpan least, TimeSpan most, string name)
    {
        if (value < least || value > most) throw new ArgumentOutOfRangeException(name, value, $"It is {least} to {most}.");
    }
}
