namespace Strata;

/// <summary>How a <see cref="Kv"/> keeps values.</summary>
public sealed record KvOptions
{
    /// <summary>How values become bytes. Default <see cref="KvCodecs.Default"/>.</summary>
    public KvCodecs Codecs { get; init; } = KvCodecs.Default;

    /// <summary>Bytes of the longest value that is taken. Default and limit: 64 MiB. What is longer than <see cref="KvLimits.MaxValueBytes"/> is split.</summary>
    public int MaxValueBytes { get; init; } = KvLargeValues.MaxBytes;

    /// <summary>The clock by which <c>expiresIn</c> is told. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
