using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Bodies whose chunks are signed: none can be changed, moved, left out or added, and what fails is not written.</summary>
public class SignedChunksTests : AccessTests
{
    private const string Plain = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    private const string WithTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    private static readonly BlobKey Key = BlobKey.Parse("k");
    private static readonly string[] Pieces = [new('a', 70_000), new('b', 70_000), "the end"];

    private enum Change
    {
        Nothing, ByteInChunk, SignatureOfChunk, NoSignature, UnknownExtension, ChunksSwapped, ChunkDropped, ChunkTwice, ChunkSplit, LastChunkMissing, LastChunkUnsigned,
        CutInChunk, CutInSize, TrailerValue, TrailerName, TrailerSignature, TrailerUnsigned, TrailerGone, TrailerAdded,
    }

    [Theory]
    [InlineData(Plain)]
    [InlineData(WithTrailer)]
    public async Task Signed_chunks_are_joined(string payload)
    {
        await ServedAsync(Chunked(payload, Change.Nothing));
        Assert.Equal(string.Concat(Pieces), Encoding.ASCII.GetString((await Running.Store.GetBytesAsync(Key))!));
        await Running.Store.DeleteAsync(Key);
    }

    [Fact]
    public async Task Whatever_is_changed_is_refused_and_nothing_is_written()
    {
        foreach (string payload in (string[])[Plain, WithTrailer])
        {
            foreach (Change change in Enum.GetValues<Change>().Where(c => c != Change.Nothing && (payload == WithTrailer || !c.ToString().StartsWith("Trailer", StringComparison.Ordinal) || c == Change.TrailerAdded)))
            {
                SignedMessage message = Chunked(payload, change);
                string answer = await message.SendAsync(Address);
                Assert.True(
                    answer.StartsWith("HTTP/1.1 403", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal),
                    $"{payload} with {change} was to be refused, and gave: {answer}");
                if (change is not (Change.LastChunkMissing or Change.CutInChunk or Change.CutInSize or Change.TrailerAdded)) Assert.Contains("<Code>SignatureDoesNotMatch</Code>", answer);
                Assert.True(await Running.Store.StatAsync(Key) is null, $"{payload} with {change} was written.");
            }
        }
    }

    [Fact]
    public async Task Chunks_of_one_request_do_not_fit_another()
    {
        SignedMessage first = Chunked(Plain, Change.Nothing), second = SignedMessage.Of(
            Admin, Address, "PUT", "/main/k", payload: Plain, headers: [("Content-Encoding", "aws-chunked"), ("x-amz-decoded-content-length", $"{Pieces.Sum(p => p.Length)}"), ("x-amz-meta-a", "1")]);
        second.Body = first.Body;
        await RefusedAsync(second.With("Content-Length", $"{first.Body.Length}"), 403, "SignatureDoesNotMatch");
        Assert.Null(await Running.Store.StatAsync(Key));
    }

    [Fact]
    public async Task A_body_in_one_piece_does_not_pass_for_chunks()
    {
        SignedMessage message = Sign("PUT", "/main/k", "0\r\n\r\n", Plain, headers: [("x-amz-decoded-content-length", "0")]);
        await RefusedAsync(message, 403, "SignatureDoesNotMatch");
        await RefusedAsync(Sign("PUT", "/main/k", "x", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), 400, "InvalidArgument");
    }

    [Fact]
    public async Task Xml_may_come_in_signed_chunks_and_is_verified()
    {
        await Running.Store.PutBytesAsync(Key, new byte[1]);
        const string Xml = "<Delete><Object><Key>k</Key></Object></Delete>";
        SignedMessage message = Chunked(Plain, Change.ByteInChunk, "POST", "/main?delete", Xml.Replace("k", "b", StringComparison.Ordinal));
        message.Body = message.Body.Replace("<Key>", "<KEY>", StringComparison.Ordinal);
        await RefusedAsync(message, 403, "SignatureDoesNotMatch");
        Assert.NotNull(await Running.Store.StatAsync(Key));
        await ServedAsync(Chunked(Plain, Change.Nothing, "POST", "/main?delete", Xml));
        Assert.Null(await Running.Store.StatAsync(Key));
    }

    private SignedMessage Chunked(string payload, Change change, string method = "PUT", string target = "/main/k", params string[] pieces)
    {
        if (pieces.Length == 0) pieces = Pieces;
        string content = string.Concat(pieces);
        List<(string, string)> headers = [("Content-Encoding", "aws-chunked"), ("x-amz-decoded-content-length", content.Length.ToString(CultureInfo.InvariantCulture))];
        if (payload == WithTrailer) headers.Add(("x-amz-trailer", "x-amz-checksum-sha256"));
        SignedMessage message = SignedMessage.Of(Admin, Address, method, target, payload: payload, headers: [.. headers]);
        string previous = message.Signature;
        List<string> chunks = [];
        foreach (string piece in (string[])[.. pieces, ""])
        {
            previous = message.SignNext("AWS4-HMAC-SHA256-PAYLOAD", previous, $"{Digest("")}\n{Digest(piece)}");
            chunks.Add($"{piece.Length:x};chunk-signature={previous}\r\n{piece}{(piece.Length > 0 ? "\r\n" : "")}");
        }

        Apply(chunks, change);
        string sum = $"x-amz-checksum-sha256:{Convert.ToBase64String(SHA256.HashData(Encoding.ASCII.GetBytes(content)))}";
        string trailer = payload == WithTrailer
            ? $"{sum}\r\nx-amz-trailer-signature:{message.SignNext("AWS4-HMAC-SHA256-TRAILER", previous, Digest(sum + "\n"))}\r\n"
            : "";
        message.Body = Cut(string.Concat(chunks) + Changed(trailer, change) + "\r\n", change);
        return message.With("Content-Length", $"{message.Body.Length}");
    }

    private static void Apply(List<string> chunks, Change change)
    {
        switch (change)
        {
            case Change.ByteInChunk: chunks[0] = chunks[0].Replace("aaa\r\n", "aab\r\n", StringComparison.Ordinal); break;
            case Change.SignatureOfChunk: chunks[1] = chunks[1].Replace("signature=", "signature=0", StringComparison.Ordinal).Remove(80, 1); break;
            case Change.NoSignature: chunks[1] = chunks[1].Remove(chunks[1].IndexOf(';', StringComparison.Ordinal), 81); break;
            case Change.UnknownExtension: chunks[1] = chunks[1].Replace("chunk-signature", "chunk-seal", StringComparison.Ordinal); break;
            case Change.ChunksSwapped: (chunks[0], chunks[1]) = (chunks[1], chunks[0]); break;
            case Change.ChunkDropped: chunks.RemoveAt(0); break;
            case Change.ChunkTwice: chunks.Insert(0, chunks[0]); break;
            case Change.ChunkSplit: chunks[2] = chunks[2].Replace("7;", "3;", StringComparison.Ordinal).Replace("the end", "the\r\n4\r\n end", StringComparison.Ordinal); break;
            case Change.LastChunkMissing: chunks.RemoveAt(chunks.Count - 1); break;
            case Change.LastChunkUnsigned: chunks[^1] = "0\r\n"; break;
            default: break;
        }
    }

    private static string Changed(string trailer, Change change) => change switch
    {
        Change.TrailerValue => trailer.Replace("sha256:", "sha256:A", StringComparison.Ordinal),
        Change.TrailerName => trailer.Replace("checksum-sha256", "checksum-sha1", StringComparison.Ordinal),
        Change.TrailerSignature => trailer[..^3] + (trailer[^3] == '0' ? '1' : '0') + "\r\n",
        Change.TrailerUnsigned => trailer[..(trailer.IndexOf('\n', StringComparison.Ordinal) + 1)],
        Change.TrailerGone => "",
        Change.TrailerAdded => "x-amz-meta-a:1\r\n" + trailer,
        _ => trailer,
    };

    private static string Cut(string body, Change change) => change switch
    {
        Change.CutInChunk => body[..100_000],
        Change.CutInSize => body[..70_100],
        _ => body,
    };

    private static string Digest(string text) => SignedMessage.Hex(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
}
