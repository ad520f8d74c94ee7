using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace Strata.Server;

/// <summary>
/// Decodes the <c>aws-chunked</c> transfer of an S3 upload: chunks of <c>SIZE[;chunk-signature=…]</c>, then trailers.
/// Bytes of a chunk are handed out before its signature is known to be right: only who has read to the end may keep them.
/// </summary>
/// <param name="reader">The body.</param>
/// <param name="signatures">Verifies the chunks; null if they are not signed.</param>
internal sealed class AwsChunkedStream(PipeReader reader, ChunkSignatures? signatures = null) : ReadOnlyStream
{
    private const string TrailerSignature = "x-amz-trailer-signature";
    private const int MaxLine = 8 * 1024;
    private const int MaxTrailers = 16;

    private enum State
    {
        /// <summary>Before a chunk's size.</summary>
        Size,

        /// <summary>Within a chunk's bytes.</summary>
        Data,

        /// <summary>Before the line end behind a chunk's bytes.</summary>
        DataEnd,

        /// <summary>Behind the last chunk: trailers, up to an empty line.</summary>
        Trailer,

        /// <summary>Behind the empty line: nothing may follow.</summary>
        End,

        /// <summary>The body is at its end.</summary>
        Done,
    }

    private readonly Dictionary<string, string> _trailers = new(StringComparer.OrdinalIgnoreCase);
    private readonly StringBuilder? _signedTrailers = signatures is null ? null : new();
    private State _state;
    private long _remaining;
    private int _trailerLines;

    /// <summary>The trailers; complete when a read has returned 0.</summary>
    public IReadOnlyDictionary<string, string> Trailers => _trailers;

    /// <exception cref="S3Exception">The framing is malformed, the body ends within it, or a signature is missing or wrong.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return 0;
        while (_state != State.Done)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> bytes = read.Buffer;
            int copied = 0;
            while (copied == 0 && Step(ref bytes, buffer.Span, out copied))
            {
            }

            // Where a step needs more than there is, all of it has been examined.
            reader.AdvanceTo(bytes.Start, copied > 0 ? bytes.Start : bytes.End);
            if (copied > 0) return copied;
            if (read.IsCompleted) Complete(bytes);
        }

        return 0;
    }

    /// <summary>Moves the state by one; false if that takes more bytes, or the end.</summary>
    private bool Step(ref ReadOnlySequence<byte> bytes, Span<byte> target, out int copied)
    {
        copied = 0;
        switch (_state)
        {
            case State.Size:
                if (!TryLine(ref bytes, out string? size)) return false;
                BeginChunk(size);
                return true;
            case State.Data:
                copied = (int)Math.Min(Math.Min(_remaining, bytes.Length), target.Length);
                if (copied == 0) return false;
                bytes.Slice(0, copied).CopyTo(target);
                bytes = bytes.Slice(copied);
                _remaining -= copied;
                signatures?.Append(target[..copied]);
                if (_remaining > 0) return true;
                signatures?.End();
                _state = State.DataEnd;
                return true;
            case State.DataEnd:
                if (!TryLine(ref bytes, out string? end)) return false;
                if (end.Length > 0) throw Malformed("a chunk is longer than its size");
                _state = State.Size;
                return true;
            case State.Trailer:
                if (!TryLine(ref bytes, out string? trailer)) return false;
                if (trailer.Length == 0) _state = State.End;
                else AddTrailer(trailer);
                return true;
            default:
                return bytes.IsEmpty ? false : throw Malformed("bytes follow its end");
        }
    }

    /// <summary>The request's body has ended: right only behind the last chunk. Some clients leave out the last empty line.</summary>
    private void Complete(ReadOnlySequence<byte> rest)
    {
        if (_state is not (State.Trailer or State.End) || !rest.IsEmpty) throw S3Error.IncompleteBody.AsException();
        if (signatures is { HasTrailer: true }) signatures.VerifyTrailers(_signedTrailers!.ToString(), _trailers.GetValueOrDefault(TrailerSignature));
        _state = State.Done;
    }

    private void BeginChunk(string line)
    {
        int semicolon = line.IndexOf(';', StringComparison.Ordinal);
        _remaining = ParseSize(semicolon < 0 ? line : line.AsSpan(0, semicolon));
        _state = _remaining > 0 ? State.Data : State.Trailer;
        if (signatures is null) return;
        signatures.Begin(semicolon < 0 ? "" : line.AsSpan(semicolon + 1));
        if (_remaining == 0) signatures.End();
    }

    private void AddTrailer(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) throw new S3Error(400, "MalformedTrailerError", "A trailer of the aws-chunked body is not NAME:VALUE.").AsException();
        if (++_trailerLines > MaxTrailers) throw Malformed($"it has more than {MaxTrailers} trailers");
        string name = line[..colon].Trim(), value = line[(colon + 1)..].Trim();
        _trailers[name] = value;
        if (signatures is { HasTrailer: false }) throw Malformed("trailers follow it that are not signed");
        if (!name.Equals(TrailerSignature, StringComparison.OrdinalIgnoreCase)) _signedTrailers?.Append(name.ToLowerInvariant()).Append(':').Append(value).Append('\n');
    }

    private static long ParseSize(ReadOnlySpan<char> digits)
    {
        return long.TryParse(digits.Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long size) && size >= 0
            ? size
            : throw Malformed("a chunk's size is not a hexadecimal number");
    }

    private static bool TryLine(ref ReadOnlySequence<byte> bytes, out string line)
    {
        line = "";
        SequencePosition? end = bytes.PositionOf((byte)'\n');
        if (end is not { } newLine)
        {
            return bytes.Length > MaxLine ? throw Malformed($"a line is longer than {MaxLine} bytes") : false;
        }

        line = Encoding.Latin1.GetString(bytes.Slice(0, newLine)).TrimEnd('\r');
        bytes = bytes.Slice(bytes.GetPosition(1, newLine));
        return true;
    }

    private static S3Exception Malformed(string fault) => S3Error.InvalidRequest($"The aws-chunked body is malformed: {fault}.").AsException();

    public override int Read(Span<byte> buffer) => throw new NotSupportedException("Read it asynchronously.");
}
