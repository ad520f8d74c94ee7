namespace Strata;

/// <summary>The part of a remote blob that a read serves.</summary>
/// <param name="Calls">How it is asked for again if it breaks off.</param>
/// <param name="Key">The blob's key.</param>
/// <param name="Offset">Of the first byte.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Checksum">CRC-32C that these bytes must have; null if only the whole blob's is known.</param>
/// <param name="Reopen">Opens the same blob from an offset for a length; null if it is another by now.</param>
internal sealed record RemoteBody(RemoteCalls Calls, BlobKey Key, long Offset, long Length, uint? Checksum, Func<long, long, RemoteAttempt, Task<Stream?>> Reopen)
{
    /// <summary>Reads all of it.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: its checksum does not hold.</exception>
    public async ValueTask ReadWholeAsync(Stream stream, Memory<byte> into, RemoteAttempt attempt)
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
        if (actual != expected) throw StorageException.Corrupt("read", Key, Calls.Limits.Store, $"its bytes have CRC-32C {actual:x8} and should have {expected:x8}");
    }
}
