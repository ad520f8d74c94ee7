using System.Text;

namespace Strata;

/// <summary>The settings that all stores over a network have, as their own options describe them.</summary>
internal sealed record RemoteOptions
{
    public required string Name { get; init; }

    public required string Prefix { get; init; }

    /// <summary>What the server takes as a name, prefix included.</summary>
    public required int MaxNameBytes { get; init; }

    public required Uri? Endpoint { get; init; }

    public required bool SingleWriter { get; init; }

    public required bool LooksBeforeWriting { get; init; }

    public required TimeSpan? KeepsTombstones { get; init; }

    /// <summary>Bytes of a part, and the most that is sent in one request.</summary>
    public required int PartSize { get; init; }

    public required int Parallelism { get; init; }

    public required TimeSpan UploadExpiry { get; init; }

    public required int MaxAttempts { get; init; }

    public required TimeSpan RetryDelay { get; init; }

    public required TimeSpan ProgressTimeout { get; init; }

    public required TimeSpan ServerWorkTimeout { get; init; }

    /// <summary>The longest blob that is copied in one request.</summary>
    public required long MaxCopyBytes { get; init; }

    /// <summary>Folder for the content of large conditional writes, where the server honours conditions on single objects alone.</summary>
    public string SpoolFolder { get; init; } = Path.GetTempPath();

    /// <summary>How the store speaks with its server.</summary>
    public RemoteLimits Limits => new(Name, MaxAttempts, RetryDelay, ProgressTimeout);

    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public void Check()
    {
        ArgumentNullException.ThrowIfNull(Prefix);
        ArgumentException.ThrowIfNullOrEmpty(Name);
        if (Prefix.Length > 0 && (!Prefix.EndsWith('/') || !BlobKey.TryParse(Prefix, out _))) throw new ArgumentException($"The prefix '{Prefix}' must be a key that ends in '/'.", nameof(Prefix));
        if (Encoding.UTF8.GetByteCount(Prefix) > MaxNameBytes / 2) throw new ArgumentException($"The prefix may have at most {MaxNameBytes / 2} bytes.", nameof(Prefix));
        if (Endpoint is not null && (!Endpoint.IsAbsoluteUri || Endpoint.Scheme is not ("http" or "https"))) throw new ArgumentException("The endpoint must be an http or https address.", nameof(Endpoint));
        RemoteTombstone.Check(KeepsTombstones, nameof(KeepsTombstones));
        if (UploadExpiry <= TimeSpan.Zero) throw new ArgumentException($"UploadExpiry must be more than 0; it is {UploadExpiry}.", nameof(UploadExpiry));
        InRange(Parallelism, 64, nameof(Parallelism));
        InRange(MaxAttempts, 20, nameof(MaxAttempts));
        Positive(RetryDelay, nameof(RetryDelay));
        Positive(ProgressTimeout, nameof(ProgressTimeout));
        Positive(ServerWorkTimeout, nameof(ServerWorkTimeout));
    }

    private static void InRange(int value, int most, string name)
    {
        if (value < 1 || value > most) throw new ArgumentException($"{name} must be 1 to {most}; it is {value}.", name);
    }

    private static void Positive(TimeSpan time, string name)
    {
        if (time <= TimeSpan.Zero || time > TimeSpan.FromDays(1)) throw new ArgumentException($"{name} must be more than 0 and at most a day; it is {time}.", name);
    }
}
