using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// The payload of a request: decoded from <c>aws-chunked</c> if it is that, held to its declared length, digested as it
/// is read, and verified when it has been read to its end: its length, its digests, and the signatures of its chunks.
/// </summary>
internal sealed class S3Body : IPayload
{
    private readonly AwsChunkedStream? _chunked;
    private readonly ChunkSignatures? _signatures;
    private readonly Stream _stream;
    private readonly ExpectedChecksums _expected;
    private readonly long _max;
    private readonly PayloadDigest _digest;
    private bool _ended;

    /// <param name="request">The request.</param>
    /// <param name="max">The most bytes.</param>
    /// <param name="algorithm">The checksum to compute even if the client gives none; it may give no other. Null for any.</param>
    /// <param name="hasChecksums">False if the request's checksums are not those of its body.</param>
    /// <exception cref="S3Exception">The headers are contradictory, or the body is declared longer than <paramref name="max"/>.</exception>
    public S3Body(S3Request request, long max, ChecksumAlgorithm? algorithm = null, bool hasChecksums = true)
    {
        _max = max;
        HttpRequest http = request.Request;
        bool isChunked = http.Headers.ContentEncoding.ToString().Contains("aws-chunked", StringComparison.OrdinalIgnoreCase)
            || http.Headers["x-amz-content-sha256"].ToString().StartsWith("STREAMING-", StringComparison.Ordinal);
        Length = isChunked ? DecodedLength(http) : http.ContentLength;
        if (Length > max) throw TooLarge();
        if (Length is null && !isChunked && !http.Headers.ContainsKey("Transfer-Encoding"))
            throw new S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.").AsException();
        _expected = new ExpectedChecksums(http.Headers, algorithm, hasChecksums);
        _signatures = request.Access.Chunks;
        _chunked = isChunked ? new AwsChunkedStream(http.BodyReader, _signatures) : null;
        _stream = _chunked ?? http.Body;
        _digest = new PayloadDigest(_expected.Algorithms);
    }

    /// <summary>Declared number of bytes; null if only reading will tell.</summary>
    public long? Length { get; }

    /// <summary>Bytes read.</summary>
    public long BytesRead => _digest.Length;

    /// <inheritdoc/>
    public string ETag => _digest.ETag;

    /// <inheritdoc/>
    public uint Crc32C => _digest.Checksum;

    /// <summary>The checksum that the client gave or named; null if it did neither. Once the body is at its end.</summary>
    public S3Checksum? Checksum => _expected.Kept(_digest);

    /// <summary>Fills the buffer, or less at the body's end, where everything declared is verified.</summary>
    /// <inheritdoc/>
    /// <exception cref="S3Exception">The body is shorter or longer than declared, or its digest differs.</exception>
    public async ValueTask<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int filled = 0;
        while (filled < buffer.Length && !_ended)
        {
            int read = await _stream.ReadAsync(buffer[filled..], cancellationToken);
            filled += read;
            _ended = read == 0;
            if (BytesRead + filled > (Length ?? _max)) throw (Length is null ? TooLarge() : S3Error.IncompleteBody.AsException());
        }

        _digest.Append(buffer.Span[..filled]);
        if (_ended) Verify();
        return filled;
    }

    public void Dispose()
    {
        _digest.Dispose();
        _signatures?.Dispose();
    }

    private void Verify()
    {
        if (Length is { } length && BytesRead != length) throw S3Error.IncompleteBody.AsException();
        if (_chunked is not null) _expected.AddTrailers(_chunked.Trailers);
        _expected.Verify(_digest);
    }

    private S3Exception TooLarge() => S3Error.EntityTooLarge($"The body exceeds the maximum of {_max} bytes.").AsException();

    private static long? DecodedLength(HttpRequest request)
    {
        string header = request.Headers["x-amz-decoded-content-length"].ToString();
        if (header.Length == 0) throw new S3Error(411, "MissingContentLength", "An aws-chunked body needs the header x-amz-decoded-content-length.").AsException();
        return long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out long length)
            ? length
            : throw S3Error.InvalidArgument("x-amz-decoded-content-length is not a number of bytes.").AsException();
    }
}
