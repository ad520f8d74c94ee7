namespace Strata.Server;

/// <summary>Bytes on their way into an object or a part: the body of a request, or what is read of another object.</summary>
internal interface IPayload : IDisposable
{
    /// <summary>Number of bytes; null if only reading will tell.</summary>
    long? Length { get; }

    /// <summary>MD5 in hexadecimal; once all is read.</summary>
    string ETag { get; }

    /// <summary>CRC-32C; once all is read.</summary>
    uint Crc32C { get; }

    /// <summary>The checksum to keep besides; null for none. Once all is read.</summary>
    S3Checksum? Checksum { get; }

    /// <summary>Fills the buffer, or less at the end.</summary>
    /// <returns>Bytes read; fewer than the buffer holds only at the end.</returns>
    /// <exception cref="S3Exception">The bytes are not what was declared.</exception>
    ValueTask<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken);
}
