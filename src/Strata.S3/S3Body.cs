using Amazon.S3.Model;

namespace Strata.S3;

/// <summary>The part of an object that a read serves.</summary>
/// <param name="Store">Where it is read again if it breaks off.</param>
/// <param name="Key">Its key.</param>
/// <param name="Of">The object, to which every further request is pinned.</param>
/// <param name="Offset">Of the first byte.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Checksum">CRC-32C that these bytes must have; null if only the whole object's is known.</param>
internal sealed record S3Body(S3BlobStore Store, BlobKey Key, StoredObject Of, long Offset, long Length, uint? Checksum)
{
    public S3BodyStream Streaming(GetObjectResponse response) => new(this, response);

    /// <summary>Reads all of it.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: its checksum does not hold.</exception>
    public async ValueTask ReadWholeAsync(Stream stream, Memory<byte> into, S3Attempt attempt)
    {
        for (int read = 0; read < into.Length;)
        {
            int count = await stream.ReadAsync(into[read..], attempt.Token).ConfigureAwait(false);
            if (count == 0) throw new EndOfStreamException();
            attempt.Progress();
            read += count;
        }

        if (Checksum is { } expected) Verify(Crc32C.Of(into.Span), expected);
    }

    public void Verify(uint actual, uint expected)
    {
        if (actual != expected) throw StorageException.Corrupt("read", Key, Store.Options.Name, $"its bytes have CRC-32C {actual:x8} and should have {expected:x8}");
    }
}
