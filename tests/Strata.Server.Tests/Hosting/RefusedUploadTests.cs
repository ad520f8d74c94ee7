using Xunit;

namespace Strata.Server.Tests;

public sealed class RefusedUploadTests : ServerTests
{
    /// <summary>Longer than the web server itself reads on (5 s).</summary>
    private const int Seconds = 7;

    [Fact]
    public async Task A_refused_upload_is_answered_at_once_and_read_on_so_that_a_client_that_only_sends_sees_the_answer()
    {
        using RawConnection connection = await RawConnection.OpenAsync(Running.Server.Address);
        await connection.WriteAsync($"PUT /nowhere/k HTTP/1.1\r\nHost: {connection.Authority}\r\nContent-Length: {Seconds * 1000}\r\n\r\n");
        Assert.Contains("NoSuchBucket", await connection.ReadUntilAsync("</Error>"));
        for (int second = 0; second < Seconds; second++)
        {
            await connection.WriteAsync(new string('x', 1000));
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        // The connection is as good as new.
        await connection.WriteAsync($"GET /nowhere/again HTTP/1.1\r\nHost: {connection.Authority}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 404", await connection.ReadToEndAsync());
    }
}
