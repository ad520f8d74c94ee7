using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Strata.Server.Tests;

public sealed class AccessLogTests : IDisposable
{
    private const string Secret = "sEcReT";
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-log-").FullName;
    private readonly Counted _counted = new();
    private readonly MemoryBlobStore _store = new(new MemoryBlobStoreOptions());

    private string LogPath => Path.Combine(_folder, "access.log");

    public void Dispose()
    {
        _counted.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Each_request_has_a_line_that_says_who_did_what_and_what_came_of_it()
    {
        string id;
        await using (StrataServer server = await StartAsync())
        {
            using HttpClient http = Client(server);
            using HttpResponseMessage put = await http.PutAsync("main/a%20b?x-id=PutObject", new ByteArrayContent(new byte[7]));
            id = put.Headers.GetValues("x-amz-request-id").Single();
            await http.GetByteArrayAsync("main/a%20b");
            using HttpResponseMessage missing = await http.GetAsync("main/missing");
            using HttpResponseMessage read = await http.GetAsync("_strata/v1/stores/main/blob?key=a%20b");
            using HttpResponseMessage foreign = await http.SendAsync(new HttpRequestMessage(HttpMethod.Get, "_strata/v1/stores") { Headers = { Host = "evil.example" } });
        }

        JsonElement[] lines = await LinesAsync();
        Assert.Equal(["PutObject 200", "GetObject 200", "GetObject 404", "blob 200", "stores 403"], lines.Select(l => $"{Text(l, "operation")} {l.GetProperty("status")}"));
        Assert.Equal(id, Text(lines[0], "id"));
        Assert.Equal("/main/a%20b", Text(lines[0], "path"));
        Assert.Equal("PUT", Text(lines[0], "method"));
        Assert.Equal("-", Text(lines[0], "principal"));
        Assert.Equal("127.0.0.1", Text(lines[0], "remote"));
        Assert.Equal("tests/1.0", Text(lines[0], "agent"));
        Assert.Equal(7, lines[0].GetProperty("received").GetInt64());
        Assert.Equal(7, lines[1].GetProperty("sent").GetInt64());
        Assert.Equal("a b", Text(lines[3], "key"));
        Assert.True(lines[0].GetProperty("milliseconds").GetDouble() > 0);
        Assert.InRange(lines[0].GetProperty("time").GetDateTimeOffset(), TimeProvider.System.GetUtcNow().AddMinutes(-1), TimeProvider.System.GetUtcNow());
    }

    [Fact]
    public async Task Who_was_refused_is_in_the_log_as_nobody_and_who_was_let_in_by_name()
    {
        const string Token = "the-folders-token";
        var ring = new AccessKeyRing(new AccessKey { Id = "ANN", Secret = Secret + Secret, Grants = [AccessGrant.Everything] });
        string id;
        await using (StrataServer server = await StartAsync(options: new StrataServerOptions { Access = ring, OwnerToken = Token }))
        {
            using HttpClient http = Client(server);
            using HttpResponseMessage unsigned = await http.GetAsync("main/k");
            id = unsigned.Headers.GetValues("x-amz-request-id").Single();
            using HttpResponseMessage unknown = await http.GetAsync("_strata/v1/stores");
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
            using HttpResponseMessage owner = await http.GetAsync("_strata/v1/stores");
        }

        JsonElement[] lines = await LinesAsync();
        Assert.Equal(["- Refused 403", "- stores 401", "owner stores 200"], lines.Select(l => $"{Text(l, "principal")} {Text(l, "operation")} {l.GetProperty("status")}"));
        Assert.Equal(id, Text(lines[0], "id"));
        Assert.DoesNotContain(Token, await File.ReadAllTextAsync(LogPath));
    }

    [Fact]
    public async Task Secrets_stay_out_and_what_a_client_makes_up_is_bounded_and_escaped()
    {
        await using (StrataServer server = await StartAsync())
        {
            using HttpClient http = Client(server);
            foreach (string path in (string[])["main/k", "_strata/v1/stores", "_strata/v1/stores/main/blob"])
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}?X-Amz-Signature={Secret}&X-Amz-Security-Token={Secret}&X-Amz-Credential={Secret}&token={Secret}&password={Secret}");
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Secret);
                request.Headers.Add("Cookie", $"strata={Secret}");
                request.Headers.Referrer = new Uri($"http://x/?{Secret}");
                request.Headers.Add("x-amz-security-token", Secret);
                using HttpResponseMessage answer = await http.SendAsync(request);
            }

            using RawConnection raw = await RawConnection.OpenAsync(server.Address);
            await raw.WriteAsync($"GET http://{raw.Authority}/main/%0A%22%1b?{Secret} HTTP/1.1\r\nHost: {raw.Authority}\r\nUser-Agent: \"\\\u00c2\u009b{new string('u', 5000)}\r\nConnection: close\r\n\r\n");
            await raw.ReadToEndAsync();
        }

        string text = await File.ReadAllTextAsync(LogPath);
        Assert.DoesNotContain(Secret, text);
        JsonElement[] lines = await LinesAsync();
        Assert.All(text.Where(c => c != '\n'), c => Assert.InRange(c, ' ', '~'));
        Assert.InRange(Text(lines[^1], "agent")!.Length, 200, 300);
    }

    [Fact]
    public async Task A_file_that_is_moved_away_is_begun_anew_and_no_line_is_missing()
    {
        await using (StrataServer server = await StartAsync())
        {
            using HttpClient http = Client(server);
            await GetAsync(http, "main/1");
            await LoggedAsync(LogPath, 1);
            File.Move(LogPath, LogPath + ".1");
            await GetAsync(http, "main/2");
            await LoggedAsync(LogPath, 1);

            // As rotation with 'create' does it, and with 'copytruncate'.
            File.Move(LogPath, LogPath + ".2");
            await File.WriteAllTextAsync(LogPath, "");
            await GetAsync(http, "main/3");
            await LoggedAsync(LogPath, 1);
            await File.WriteAllTextAsync(LogPath, "");
            await GetAsync(http, "main/4");
        }

        Assert.Contains("/main/1", await File.ReadAllTextAsync(LogPath + ".1"));
        Assert.Contains("/main/2", await File.ReadAllTextAsync(LogPath + ".2"));
        Assert.Equal("/main/4", Text(Assert.Single(await LinesAsync()), "path"));
    }

    [Fact]
    public async Task A_pipe_takes_the_log_as_a_file_does()
    {
        if (OperatingSystem.IsWindows()) return;
        using (var made = System.Diagnostics.Process.Start("mkfifo", LogPath)) await made.WaitForExitAsync();
        await using var pipe = new FileStream(LogPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        await using StrataServer server = await StartAsync();
        using HttpClient http = Client(server);
        using var reader = new StreamReader(pipe);
        foreach (string path in (string[])["main/1", "main/2"])
        {
            await GetAsync(http, path);
            Assert.Equal("/" + path, Text(JsonElement.Parse((await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)))!), "path"));
        }
    }

    [Fact]
    public async Task A_medium_that_takes_nothing_holds_up_no_request_and_the_lines_lost_are_told()
    {
        using var stuck = new StuckStream();
        const int Lines = AccessLog.MaxWaiting + 5000;
        await using (var log = new AccessLog("", _counted.Context, new ServerMetrics(_counted.Context.Meter), stuck))
        {
            log.Add(Line);
            await stuck.Reached.WaitAsync(TimeSpan.FromSeconds(20));
            for (int n = 0; n < Lines; n++) log.Add(Line);
            Assert.Equal(5000, _counted["strata.server.access_log.lost"]);
            stuck.Open();
        }

        string[] lines = Encoding.UTF8.GetString(stuck.Written).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5000, lines.Select(l => JsonElement.Parse(l)).Sum(l => l.TryGetProperty("lost", out JsonElement lost) ? lost.GetInt64() : 0));
        Assert.Equal(1 + AccessLog.MaxWaiting, lines.Count(l => !l.Contains("\"lost\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task After_a_full_disk_the_log_goes_on_with_a_line_of_its_own_and_says_what_is_missing()
    {
        using var full = new StuckStream { FailsInTheMiddle = true };
        full.Open();
        await using (var log = new AccessLog("", _counted.Context, new ServerMetrics(_counted.Context.Meter), full))
        {
            log.Add(Line);
            await Eventually.HoldsAsync(() => Task.FromResult(_counted["strata.server.access_log.lost"] == 1));
            full.FailsInTheMiddle = false;
            log.Add(Line);
        }

        string[] lines = Encoding.UTF8.GetString(full.Written).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Equal(1, JsonElement.Parse(lines[1]).GetProperty("lost").GetInt64());
        Assert.Equal("GetObject", Text(JsonElement.Parse(lines[2]), "operation"));
    }

    [Fact]
    public async Task A_log_that_cannot_be_opened_is_a_clear_error_at_the_start()
    {
        StrataConfigurationException refused = await Assert.ThrowsAsync<StrataConfigurationException>(() => StartAsync(Path.Combine(_folder, "none", "access.log")));
        Assert.Contains("AccessLog", refused.Message);
    }

    private static AccessLine Line => new()
    {
        Time = TimeProvider.System.GetUtcNow(), Id = "1", Principal = "-", Operation = "GetObject", Method = "GET", Path = "/main/k", Status = 200, Milliseconds = 1,
    };

    private Task<StrataServer> StartAsync(string? path = null, StrataServerOptions? options = null) => StrataServer.StartAsync(
        new Dictionary<string, IBlobStore> { ["main"] = _store },
        (options ?? new()) with { Listen = "127.0.0.1:0", AccessLog = path ?? LogPath },
        _counted.Context with { Loggers = NullLoggerFactory.Instance });

    private static HttpClient Client(StrataServer server)
    {
        var http = new HttpClient { BaseAddress = server.Address };
        http.DefaultRequestHeaders.UserAgent.ParseAdd("tests/1.0");
        return http;
    }

    private static async Task GetAsync(HttpClient http, string path)
    {
        using HttpResponseMessage answer = await http.GetAsync(path);
    }

    private static Task LoggedAsync(string path, int lines) =>
        Eventually.HoldsAsync(async () => File.Exists(path) && (await File.ReadAllLinesAsync(path)).Length == lines);

    private async Task<JsonElement[]> LinesAsync() => [.. (await File.ReadAllLinesAsync(LogPath)).Select(l => JsonElement.Parse(l))];

    private static string? Text(JsonElement line, string name) => line.GetProperty(name).GetString();

    /// <summary>Takes nothing until it is opened; then everything, or half of what it is given.</summary>
    private sealed class StuckStream : MemoryStream
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously), _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private byte[] _written = [];

        public Task Reached => _reached.Task;

        public bool FailsInTheMiddle { get; set; }

        public byte[] Written => _written;

        public void Open() => _opened.TrySetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _reached.TrySetResult();
            await _opened.Task;
            bool fails = FailsInTheMiddle;
            await base.WriteAsync(fails ? buffer[..(buffer.Length / 2)] : buffer, cancellationToken);
            _written = ToArray();
            if (fails) throw new IOException("No space left on device");
        }
    }
}
