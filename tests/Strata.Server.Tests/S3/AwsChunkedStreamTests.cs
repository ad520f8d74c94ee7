using System.IO.Pipelines;
using System.Text;
using Xunit;

namespace Strata.Server.Tests;

public class AwsChunkedStreamTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 100)]
    [InlineData(3, 2)]
    [InlineData(7, 5)]
    [InlineData(1000, 1000)]
    public async Task Decodes_however_the_bytes_arrive_and_are_asked_for(int arrive, int ask)
    {
        byte[] body = Encoding.ASCII.GetBytes("a;chunk-signature=00\r\n0123456789\r\n3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAA\r\nother: 1\r\n\r\n");
        var pipe = new Pipe();
        Task writing = WriteAsync();
        await using var stream = new AwsChunkedStream(pipe.Reader);
        var decoded = new List<byte>();
        byte[] buffer = new byte[ask];
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0) decoded.AddRange(buffer[..read]);
        await writing;
        Assert.Equal("0123456789abc", Encoding.ASCII.GetString([.. decoded]));
        Assert.Equal("AAAA", stream.Trailers["X-Amz-Checksum-Crc32"]);
        Assert.Equal("1", stream.Trailers["other"]);

        async Task WriteAsync()
        {
            foreach (byte[] piece in body.Chunk(arrive)) await pipe.Writer.WriteAsync(piece);
            await pipe.Writer.CompleteAsync();
        }
    }

    [Fact]
    public async Task Endless_trailers_are_refused()
    {
        string body = "0\r\n" + string.Concat(Enumerable.Repeat("a:b\r\n", 1000)) + "\r\n";
        await using var stream = new AwsChunkedStream(PipeReader.Create(new MemoryStream(Encoding.ASCII.GetBytes(body))));
        S3Exception refused = await Assert.ThrowsAsync<S3Exception>(async () => await stream.ReadExactlyAsync(new byte[10]));
        Assert.Equal("InvalidRequest", refused.Error.Code);
    }

    [Fact]
    public async Task An_endless_line_is_refused()
    {
        var reader = PipeReader.Create(new MemoryStream(Enumerable.Repeat((byte)'1', 20_000).ToArray()));
        await using var stream = new AwsChunkedStream(reader);
        S3Exception refused = await Assert.ThrowsAsync<S3Exception>(async () => await stream.ReadExactlyAsync(new byte[10]));
        Assert.Equal("InvalidRequest", refused.Error.Code);
    }
}
