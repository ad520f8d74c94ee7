using System.Globalization;
using Strata.Sqlite;

namespace Strata.Workload;

/// <summary>What the program is to do; who starts it hands them over as arguments.</summary>
internal sealed record WorkloadSettings
{
    public WorkloadCommand Command { get; init; }

    /// <summary>The store's folder.</summary>
    public required string Folder { get; init; }

    public int Seed { get; init; }

    public DiskDurability Durability { get; init; }

    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Tell the log that all is on the medium when nothing is: what a test of power cuts must notice.</summary>
    public bool LiesAboutSyncs { get; init; }

    public int SegmentBytes { get; init; } = 256 << 10;

    /// <summary>They write side by side, each to its own keys.</summary>
    public int Writers { get; init; } = 1;

    public int KeysPerWriter { get; init; } = 16;

    /// <summary>The number of each writer's first step.</summary>
    public long FirstStep { get; init; } = 1;

    /// <summary>Steps of each writer; 0: until it is killed.</summary>
    public long Steps { get; init; }

    /// <summary>Open the store, say so, and wait for a line on the standard input.</summary>
    public bool WaitsForWord { get; init; }

    /// <summary>Of the cache, or of the value.</summary>
    public long Bytes { get; init; }

    /// <summary>How long a soak lasts; how far the clock of a database is set back.</summary>
    public TimeSpan Time { get; init; }

    /// <summary>Of a KV database.</summary>
    public KvFiles Files { get; init; }

    /// <summary>The store's address, where it is no folder.</summary>
    public string Url { get; init; } = "";

    /// <summary>Of the store in the folder.</summary>
    public StoreLayers Layers { get; init; }

    /// <summary>Tell a store beforehand how long a value is.</summary>
    public bool TellsLength { get; init; }

    public DiskBlobStoreOptions Store => new()
    {
        Path = Folder,
        Durability = Durability,
        SyncInterval = SyncInterval,
        SegmentBytes = SegmentBytes,
        CompactionBytesPerSecond = null,
        Disk = LiesAboutSyncs ? new UnsyncedDisk(new SystemDisk(Folder)) : null,
    };

    public DiskKvDatabaseOptions Database => new()
    {
        Path = Folder,
        Durability = Durability,
        SyncInterval = SyncInterval,
        SegmentBytes = SegmentBytes,
        CompactionBytesPerSecond = null,
        Disk = LiesAboutSyncs ? new UnsyncedDisk(new SystemDisk(Folder)) : null,
    };

    public SqliteKvDatabaseOptions Sqlite => new()
    {
        Path = Path.Combine(Folder, "kv.db"),
        Durability = Durability == DiskDurability.Flush ? SqliteDurability.Flush : SqliteDurability.OperatingSystem,
        BusyTimeout = TimeSpan.FromSeconds(30),
    };

    public static WorkloadSettings Read(string[] arguments)
    {
        Queue<string> rest = new(arguments);
        return new WorkloadSettings
        {
            Command = Enum.Parse<WorkloadCommand>(rest.Dequeue()),
            Folder = rest.Dequeue(),
            Seed = (int)Number(rest),
            Durability = Enum.Parse<DiskDurability>(rest.Dequeue()),
            SyncInterval = TimeSpan.FromTicks(Number(rest)),
            LiesAboutSyncs = bool.Parse(rest.Dequeue()),
            SegmentBytes = (int)Number(rest),
            Writers = (int)Number(rest),
            KeysPerWriter = (int)Number(rest),
            FirstStep = Number(rest),
            Steps = Number(rest),
            WaitsForWord = bool.Parse(rest.Dequeue()),
            Bytes = Number(rest),
            Time = TimeSpan.FromTicks(Number(rest)),
            Files = Enum.Parse<KvFiles>(rest.Dequeue()),
            Url = rest.Dequeue(),
            TellsLength = bool.Parse(rest.Dequeue()),
            Layers = Enum.Parse<StoreLayers>(rest.Dequeue()),
        };
    }

    /// <summary>As <see cref="Read"/> takes them.</summary>
    public string[] ToArguments() =>
    [
        $"{Command}", Folder, Text(Seed), $"{Durability}", Text(SyncInterval.Ticks), $"{LiesAboutSyncs}", Text(SegmentBytes), Text(Writers),
        Text(KeysPerWriter), Text(FirstStep), Text(Steps), $"{WaitsForWord}", Text(Bytes), Text(Time.Ticks), $"{Files}", Url, $"{TellsLength}", $"{Layers}",
    ];

    /// <summary>Opens the KV database, of which it is so late as it says here.</summary>
    public async Task<IKvDatabase> OpenKvAsync()
    {
        StoreContext context = StoreContext.Default with { Clock = new LateClock(Time) };
        return Files == KvFiles.Sqlite ? await SqliteKvDatabase.OpenAsync(Sqlite, context) : await DiskKvDatabase.OpenAsync(Database, context);
    }

    private static long Number(Queue<string> from) => long.Parse(from.Dequeue(), CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
