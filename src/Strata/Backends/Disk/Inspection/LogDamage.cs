namespace Strata;

/// <summary>Something in a log's folder that is not as it was written.</summary>
internal sealed class LogDamage
{
    /// <summary>The file, relative to the folder.</summary>
    public required string File { get; init; }

    /// <summary>Where in it.</summary>
    public long Offset { get; init; }

    /// <summary>How many bytes; 0: not known.</summary>
    public long Length { get; init; }

    /// <summary>What is wrong.</summary>
    public required string What { get; init; }

    /// <summary>The log's key that it is about, if that is known.</summary>
    public byte[]? Key { get; init; }

    /// <summary>LSN of the entry that it is about; 0: not known.</summary>
    public ulong Sequence { get; init; }

    /// <summary>What it costs.</summary>
    public LogLoss Loss { get; set; }
}
