namespace Strata.KvConnect;

/// <summary>Names that the protocol fixes.</summary>
internal static class Protocol
{
    public const int LowestVersion = 1, HighestVersion = 3;

    /// <summary>From which version on an answer says whether it is the last state, a read has a status, and keys can be watched.</summary>
    public const int ConsistencyVersion = 2, StatusVersion = 3, WatchVersion = 3;

    public const string SnapshotRead = "snapshot_read", AtomicWrite = "atomic_write", Watch = "watch";

    public const string MessageType = "application/x-protobuf", WatchType = "application/octet-stream";

    public const string VersionHeader = "x-denokv-version", DatabaseHeader = "x-denokv-database-id", DomainHeader = "x-transaction-domain-id";

    /// <summary>Ours: a server that tells expiries, heeds reads of keys alone, and says by 5xx that nothing was applied.</summary>
    public const string StrataHeader = "x-strata-kv";

    public const string Strong = "strong", Eventual = "eventual";

    /// <summary>The length before each message of a watch, little-endian; 0 is a ping.</summary>
    public const int FrameBytes = 4, MaxFrame = 16 << 20;

    /// <summary>Longest answer to a read that is taken, whatever was asked for.</summary>
    public const int MaxAnswer = 1 << 30;
}
