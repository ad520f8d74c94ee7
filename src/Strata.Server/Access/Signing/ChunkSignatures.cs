using System.Security.Cryptography;
using System.Text;

namespace Strata.Server;

/// <summary>
/// Verifies the signatures of an <c>aws-chunked</c> body as its chunks pass. Each covers its chunk and the signature
/// before it, the first one that of the request, so that none can be changed, moved, dropped or added.
/// </summary>
/// <param name="signingKey">Of the request's scope; kept.</param>
/// <param name="timestamp">The request's, yyyyMMddTHHmmssZ.</param>
/// <param name="scope">The request's.</param>
/// <param name="seed">The request's signature.</param>
/// <param name="hasTrailer">Whether trailers follow the last chunk, with a signature of their own; else none may follow.</param>
internal sealed class ChunkSignatures(byte[] signingKey, string timestamp, string scope, string seed, bool hasTrailer) : IDisposable
{
    private const int HexDigits = 2 * SHA256.HashSizeInBytes;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _previous = Encoding.ASCII.GetBytes(seed);
    private readonly byte[] _claimed = new byte[HexDigits];

    /// <summary>Whether signed trailers follow the last chunk; if not, there may be none.</summary>
    public bool HasTrailer => hasTrailer;

    /// <summary>Begins a chunk with the extension of its size: <c>chunk-signature=…</c>.</summary>
    /// <exception cref="S3Exception">There is no signature.</exception>
    public void Begin(ReadOnlySpan<char> extension)
    {
        const string Name = "chunk-signature=";
        extension = extension.Trim();
        if (!extension.StartsWith(Name, StringComparison.Ordinal)) throw SignatureErrors.NoChunkSignature.AsException();
        Claim(extension[Name.Length..]);
    }

    /// <summary>Bytes of the chunk.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>Ends a chunk.</summary>
    /// <exception cref="S3Exception">Its signature is wrong.</exception>
    public void End()
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.GetHashAndReset(digest);
        Span<byte> text = stackalloc byte[512];
        int length = Head("AWS4-HMAC-SHA256-PAYLOAD\n"u8, text);
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"u8.CopyTo(text[length..]);
        Verify(text, length + HexDigits + 1, digest);
    }

    /// <summary>Verifies the trailers.</summary>
    /// <param name="trailers">Each as <c>name:value</c> and a line feed, without that of the signature.</param>
    /// <param name="signature">What <c>x-amz-trailer-signature</c> says; null if it is not there.</param>
    /// <exception cref="S3Exception">The signature is missing or wrong.</exception>
    public void VerifyTrailers(string trailers, string? signature)
    {
        Claim(signature);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.Latin1.GetBytes(trailers), digest);
        Span<byte> text = stackalloc byte[512];
        Verify(text, Head("AWS4-HMAC-SHA256-TRAILER\n"u8, text), digest);
    }

    public void Dispose()
    {
        _hash.Dispose();
        CryptographicOperations.ZeroMemory(signingKey);
    }

    private void Claim(ReadOnlySpan<char> signature)
    {
        if (signature.IsEmpty) throw SignatureErrors.NoChunkSignature.AsException();
        if (signature.Length != HexDigits || !Ascii.IsValid(signature)) throw SignatureErrors.Mismatch.AsException();
        Encoding.ASCII.GetBytes(signature, _claimed);
    }

    private int Head(ReadOnlySpan<byte> algorithm, Span<byte> text)
    {
        algorithm.CopyTo(text);
        int length = algorithm.Length;
        length += Encoding.UTF8.GetBytes(timestamp, text[length..]);
        text[length++] = (byte)'\n';
        length += Encoding.UTF8.GetBytes(scope, text[length..]);
        text[length++] = (byte)'\n';
        _previous.CopyTo(text[length..]);
        length += HexDigits;
        text[length++] = (byte)'\n';
        return length;
    }

    private void Verify(Span<byte> text, int length, ReadOnlySpan<byte> digest)
    {
        Convert.TryToHexStringLower(digest, text[length..], out int written);
        Span<byte> mac = stackalloc byte[SHA256.HashSizeInBytes], expected = stackalloc byte[HexDigits];
        HMACSHA256.HashData(signingKey, text[..(length + written)], mac);
        Convert.TryToHexStringLower(mac, expected, out _);
        if (!CryptographicOperations.FixedTimeEquals(expected, _claimed)) throw SignatureErrors.Mismatch.AsException();
        _claimed.CopyTo(_previous, 0);
    }
}
