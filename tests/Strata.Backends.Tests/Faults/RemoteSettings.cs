namespace Strata.Backends.Tests;

/// <summary>Settings that all stores over a server have, with short waits.</summary>
public sealed record RemoteSettings
{
    /// <summary>A proxy before the server; null for none.</summary>
    public Uri? Proxy { get; init; }

    public int MaxAttempts { get; init; } = 5;

    public TimeSpan ProgressTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the server may take to join parts.</summary>
    public TimeSpan ServerWorkTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Bytes of a part: S3 takes none below 5 MiB.</summary>
    public int PartSize { get; init; } = 5 << 20;

    public int Parallelism { get; init; } = 4;

    public StoreContext? Context { get; init; }
}
