namespace Strata.Server;

/// <summary>What is read of an object, digested as it passes: the source of a copy.</summary>
internal sealed class StoredPayload(BlobReadResult result, ChecksumAlgorithm? algorithm) : IPayload
{
    private readonly Stream _stream = result.OpenStream();
    private readonly PayloadDigest _digest = new(algorithm is { } one ? [one] : []);

    /// <inheritdoc/>
    public long? Length => result.Length;

    /// <inheritdoc/>
    public string ETag => _digest.ETag;

    /// <inheritdoc/>
    public uint Crc32C => _digest.Checksum;

    /// <inheritdoc/>
    public S3Checksum? Checksum => algorithm is { } one ? S3Checksum.Of(one, _digest.Of(one)) : null;

    /// <inheritdoc/>
    public async ValueTask<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int filled = await _stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        _digest.Append(buffer.Span[..filled]);
        return filled;
    }

    public void Dispose()
    {
        _stream.Dispose();
        _digest.Dispose();
    }
}
