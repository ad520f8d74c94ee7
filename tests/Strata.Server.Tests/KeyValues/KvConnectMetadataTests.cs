using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Strata.KvConnect;
using Xunit;
using static Strata.Server.Tests.ScriptedKvServer;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server.Tests;

/// <summary>How our client finds a database: metadata, endpoints, tokens, redirects and versions of the protocol.</summary>
public sealed class KvConnectMetadataTests : KvConnectClientTests
{
    [Fact]
    public async Task A_token_that_ran_out_before_its_time_is_asked_for_once_by_all()
    {
        await PutAsync(7);
        await using KvConnectDatabase database = await OpenAsync();
        Server.Token = "the-second-data-token";
        var released = new TaskCompletionSource();
        Server.Next(Metadata, Held(released.Task));
        Task<ulong?>[] reads = [.. Enumerable.Range(0, 50).Select(_ => GetAsync(database))];
        Task<CommitResult> write = database.AtomicWriteAsync(Sum(1), Token).AsTask();
        await Eventually.HoldsAsync(() => Server.Count(Metadata) == 2, "No new token was asked for.");
        released.SetResult();
        foreach (Task<ulong?> read in reads) Assert.NotNull(await read);
        Assert.True((await write).IsCommitted);
        Assert.Equal(2, Server.Count(Metadata));
        Assert.Equal(8UL, await HeldAsync());
    }

    [Fact]
    public async Task A_new_token_that_is_refused_too_is_the_end()
    {
        await using KvConnectDatabase database = await OpenAsync();
        Server.Always(Read, Status(401));
        StorageException e = await FailsAsync(StorageErrorKind.AccessDenied, () => GetAsync(database));
        Assert.False(e.IsTransient);
        Assert.Equal((2, 2), (Server.Count(Read), Server.Count(Metadata)));
        Server.Usual(Read);
        await GetAsync(database);
    }

    [Fact]
    public async Task Metadata_is_renewed_before_it_expires_while_calls_go_on()
    {
        await using KvConnectDatabase database = await OpenAsync(isClockFake: true);
        await GetAsync(database);
        Clock.Advance(TimeSpan.FromMinutes(58));
        await GetAsync(database);
        Assert.Equal(1, Server.Count(Metadata));
        Clock.Advance(TimeSpan.FromSeconds(90));
        var released = new TaskCompletionSource();
        Server.Next(Metadata, Held(released.Task));
        for (int i = 0; i < 20; i++) await GetAsync(database);
        await Eventually.HoldsAsync(() => Server.Count(Metadata) == 2, "The metadata is not renewed, and expires in half a minute.");
        Server.Requests.Clear();
        released.SetResult();
        await QuietAsync();
        foreach (int seconds in (int[])[10, 60, 600])
        {
            Clock.Advance(TimeSpan.FromSeconds(seconds));
            await GetAsync(database);
        }

        Assert.Equal(0, Server.Count(Metadata));
    }

    [Fact]
    public async Task Metadata_that_cannot_be_renewed_holds_until_its_end_and_no_longer()
    {
        await using KvConnectDatabase database = await OpenAsync(isClockFake: true, retries: 0);
        Server.Always(Metadata, Status(503, "maintenance"));
        Clock.Advance(TimeSpan.FromMinutes(59.5));
        for (int i = 0; i < 5; i++)
        {
            await GetAsync(database);
            await Eventually.HoldsAsync(() => Server.Count(Metadata) == 2, "The metadata is not renewed.");
            await QuietAsync();
        }

        Clock.Advance(TimeSpan.FromMinutes(1));
        StorageException e = await FailsAsync(StorageErrorKind.Unavailable, () => GetAsync(database));
        Assert.Contains("maintenance", e.Message, StringComparison.Ordinal);
        Assert.Equal(WriteOutcome.NotApplied, (await FailsAsync(StorageErrorKind.Unavailable, () => database.AtomicWriteAsync(Sum(1), Token).AsTask())).Outcome);
        Server.Usual(Metadata);
        await GetAsync(database);
    }

    [Fact]
    public async Task A_server_whose_clock_is_wrong_is_not_asked_for_metadata_all_the_time()
    {
        DateTimeOffset theirs = TimeProvider.System.GetUtcNow().AddDays(-2);
        Server.Always(Metadata, (http, usual) =>
        {
            http.Response.Headers.Date = theirs.ToString("R", CultureInfo.InvariantCulture);
            return usual();
        });
        Server.Life = TimeSpan.FromDays(-2) + TimeSpan.FromHours(1);
        await using KvConnectDatabase database = await OpenAsync();
        for (int i = 0; i < 5; i++) await GetAsync(database);
        Assert.Equal(1, Server.Count(Metadata));
    }

    [Fact]
    public async Task Opening_outlasts_a_server_that_starts()
    {
        Server.Next(Metadata, Status(503), LostBefore, CutAfter);
        await using KvConnectDatabase database = await OpenAsync();
        Assert.Equal(4, Server.Count(Metadata));
    }

    [Theory]
    [InlineData(401, StorageErrorKind.AccessDenied)]
    [InlineData(403, StorageErrorKind.AccessDenied)]
    [InlineData(400, StorageErrorKind.Unsupported)]
    [InlineData(404, StorageErrorKind.Unavailable)]
    public async Task Opening_fails_at_once_where_the_server_refuses(int status, StorageErrorKind kind)
    {
        Server.Next(Metadata, Status(status, "not for you"));
        StorageException e = await FailsAsync(kind, () => OpenAsync().AsTask());
        Assert.Contains("not for you", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, Server.Count(Metadata));
    }

    [Theory]
    [InlineData("nothing at all")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"version":4,"databaseId":"ID","endpoints":[{"url":"/data","consistency":"strong"}],"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"no uuid","endpoints":[{"url":"/data","consistency":"strong"}],"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":null,"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":[null,{"consistency":"strong"}],"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":[{"url":"/data","consistency":"eventual"}],"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":[{"url":"http://elsewhere.example/data","consistency":"strong"}],"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":[{"url":"file:///data","consistency":"strong"}],"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":[{"url":"http://[","consistency":"strong"}],"token":"t","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":[{"url":"/data","consistency":"strong"}],"token":"t\r\nX: y","expiresAt":"2999-01-01T00:00:00Z"}""")]
    [InlineData("""{"version":3,"databaseId":"ID","endpoints":[{"url":"/data","consistency":"strong"}],"token":"t","expiresAt":"soon"}""")]
    public async Task Metadata_that_makes_no_sense_or_is_not_safe_is_refused(string json)
    {
        Server.Next(Metadata, Bytes(Encoding.UTF8.GetBytes(json.Replace("ID", Database, StringComparison.Ordinal))));
        StorageException e = await FailsAsync(StorageErrorKind.Unavailable, () => OpenAsync().AsTask());
        Assert.Contains("does not speak KV Connect as it should", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, Server.Count(Metadata));
    }

    [Fact]
    public async Task Metadata_without_end_is_refused()
    {
        Server.Next(Metadata, Bytes(new byte[5 << 20]));
        await FailsAsync(StorageErrorKind.Corrupt, () => OpenAsync().AsTask());
    }

    [Fact]
    public async Task Redirects_of_the_metadata_are_followed_and_endpoints_are_relative_to_the_last()
    {
        Server.Endpoints = [("data", "strong")];
        Server.Next(Metadata, Status(308, "", ("Location", "/moved/db")), Status(302, "", ("Location", "again/db")));
        await using KvConnectDatabase database = await OpenAsync();
        await GetAsync(database);
        Assert.Equal(["/db", "/moved/db", "/moved/again/db", "/moved/again/data/snapshot_read"], Server.Requests.Select(r => r.Path));
        Assert.All(Server.Requests.Take(3), r => Assert.Equal("Bearer " + AccessToken, r.Authorization));
    }

    [Fact]
    public async Task Redirects_end()
    {
        Server.Always(Metadata, Status(307, "", ("Location", "/db")));
        await FailsAsync(StorageErrorKind.Unavailable, () => OpenAsync().AsTask());
        Assert.Equal(6, Server.Count(Metadata));
        Server.Usual(Metadata);
        Server.Next(Metadata, Status(307));
        await FailsAsync(StorageErrorKind.Unavailable, () => OpenAsync().AsTask());
    }

    [Theory]
    [InlineData("http://elsewhere.example/db")]
    [InlineData("ftp://elsewhere.example/db")]
    [InlineData("//elsewhere.example/db")]
    public async Task No_redirect_makes_it_show_the_token_to_another_host_in_clear(string location)
    {
        Server.Next(Metadata, Status(307, "", ("Location", location)));
        StorageException e = await FailsAsync(StorageErrorKind.AccessDenied, () => OpenAsync().AsTask());
        Assert.Contains("in clear", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(AccessToken, e.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://a.example/", "https://b.example/", true)]
    [InlineData("https://a.example/", "http://a.example/", false)]
    [InlineData("http://a.example/", "https://b.example/", true)]
    [InlineData("http://a.example/", "http://a.example:8080/", true)]
    [InlineData("http://a.example/", "http://b.example/", false)]
    [InlineData("http://localhost/", "http://127.0.0.1/", true)]
    public void A_token_is_shown_where_nobody_else_sees_it(string from, string to, bool expected) => Assert.Equal(expected, KvConnectSession.MayShow(new Uri(from), new Uri(to)));

    [Fact]
    public async Task Each_read_goes_where_its_consistency_is_and_only_others_fall_back()
    {
        Server.Endpoints = [("/far", "eventual"), ("/near", "strong"), ("/next", "strong")];
        await PutAsync(7);
        await using KvConnectDatabase database = await OpenAsync(isClockFake: true);
        await GetAsync(database);
        await GetAsync(database, KvConsistency.Eventual);
        Assert.Equal(["/near/snapshot_read", "/far/snapshot_read"], Paths());

        // The eventual one fails: the strong ones will do. One that is not up to date is no answer to a strong read.
        Server.Next(Read, Status(503));
        Assert.Equal(7UL, await PassAsync(GetAsync(database, KvConsistency.Eventual)));
        Assert.Equal(["/far/snapshot_read", "/near/snapshot_read"], Paths());
        Server.Next(Read, Status(503), LostBefore);
        Assert.Equal(7UL, await PassAsync(GetAsync(database)));
        Assert.Equal(["/near/snapshot_read", "/next/snapshot_read", "/near/snapshot_read"], Paths());

        string[] Paths()
        {
            string[] paths = [.. Server.Requests.Where(r => r.Call == Read).Select(r => r.Path)];
            Server.Requests.Clear();
            return paths;
        }
    }

    [Fact]
    public async Task A_server_that_serves_the_database_no_more_is_asked_where_it_is()
    {
        await PutAsync(7);
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Read, Message(new Wire.SnapshotReadOutput { Status = Wire.SnapshotReadStatus.SrReadDisabled }), Message(new Wire.SnapshotReadOutput { Status = Wire.SnapshotReadStatus.SrSuccess, Ranges = { new Wire.ReadRangeOutput() } }));
        Assert.Equal(7UL, await GetAsync(database));
        Assert.Equal((3, 3), (Server.Count(Read), Server.Count(Metadata)));

        // To whom a state of some moments ago will do, it will do.
        Server.Next(Read, Message(new Wire.SnapshotReadOutput { Status = Wire.SnapshotReadStatus.SrSuccess, Ranges = { new Wire.ReadRangeOutput() } }));
        Assert.Null(await GetAsync(database, KvConsistency.Eventual));
        Server.Next(Write, Message(new Wire.AtomicWriteOutput { Status = Wire.AtomicWriteStatus.AwWriteDisabled }));
        Assert.True((await database.AtomicWriteAsync(Sum(1), Token)).IsCommitted);
        Assert.Equal(4, Server.Count(Metadata));
    }

    [Fact]
    public async Task A_database_that_is_another_by_now_is_found()
    {
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Read, Status(400, "another database"));
        await Assert.ThrowsAsync<ArgumentException>(() => GetAsync(database));
        await GetAsync(database);
        await Eventually.HoldsAsync(() => Server.Count(Metadata) == 2, "It goes on with the id of a database that is no more.");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_version_of_the_protocol_is_spoken(int version)
    {
        Server.Version = version;
        if (version == 1) Server.Endpoints = [(new Uri(Server.Address, "/data").ToString(), "strong")];
        await PutAsync(7);
        await using KvConnectDatabase database = await OpenAsync();
        Assert.Equal(7UL, await GetAsync(database));
        Dictionary<string, string> headers = Server.Requests.Last().Headers;
        Assert.Equal(version == 1 ? Database : null, headers.GetValueOrDefault("x-transaction-domain-id"));
        Assert.Equal(version == 1 ? null : Database, headers.GetValueOrDefault("x-denokv-database-id"));
        Assert.Equal(version == 1 ? null : $"{version}", headers.GetValueOrDefault("x-denokv-version"));
        Assert.Equal("application/x-protobuf", headers["Content-Type"]);
        Assert.All(Server.Requests, r => Assert.StartsWith("Strata/", r.Headers["User-Agent"], StringComparison.Ordinal));

        // Before version 3 there is no status, and before 2 none says whether it is the last state.
        Server.Next(Read, Message(new Wire.SnapshotReadOutput { ReadIsStronglyConsistent = version == 2, Ranges = { new Wire.ReadRangeOutput() } }));
        if (version < 3) Assert.Null(await GetAsync(database));
        Server.Usual(Read);
        Server.Next(Read, Message(new Wire.SnapshotReadOutput { ReadDisabled = true, Status = version < 3 ? default : Wire.SnapshotReadStatus.SrReadDisabled }));
        Assert.Equal(7UL, await GetAsync(database));
        IAsyncEnumerator<WatchUpdate> watch = database.WatchAsync([A], Token).GetAsyncEnumerator(Token);
        if (version < 3) await FailsAsync(StorageErrorKind.Unsupported, () => watch.MoveNextAsync().AsTask());
        else Assert.True(await watch.MoveNextAsync());
        await watch.DisposeAsync();
    }

    [Fact]
    public async Task Tokens_are_told_to_nobody()
    {
        string echo = $"you said {AccessToken} and {Server.Token}";
        List<string> told = [];
        foreach (int status in (int[])[400, 401, 404, 500])
        {

            // The data path's token is not known yet, nor was the server told it.
            Server.Next(Metadata, Status(status, $"you said {AccessToken}"), Status(status, $"you said {AccessToken}"));
            told.Add((await Assert.ThrowsAsync<StorageException>(() => OpenAsync(retries: 1).AsTask())).ToString());
            Server.Usual(Metadata);
            await using KvConnectDatabase database = await OpenAsync(retries: 1);
            Server.Next(Read, Status(status, echo), Status(status, echo));
            Server.Next(Write, Status(status, echo), Status(status, echo));
            told.Add((await Assert.ThrowsAnyAsync<Exception>(() => GetAsync(database))).ToString());
            told.Add((await Assert.ThrowsAnyAsync<Exception>(() => database.AtomicWriteAsync(Sum(1), Token).AsTask())).ToString());
        }

        told.AddRange([OptionsOf(Server.Address).ToString(), Log.ToString()]);
        told.Add((await Assert.ThrowsAsync<ArgumentException>(() => KvConnectDatabase.OpenAsync(OptionsOf(new Uri("http://user:the-first-data-token@127.0.0.1/"))).AsTask())).ToString());
        Assert.NotEmpty(Log.ToString());
        Assert.All(told, t => Assert.DoesNotContain("token-of-the-test", t, StringComparison.Ordinal));
        Assert.All(told, t => Assert.DoesNotContain("first-data-token", t, StringComparison.Ordinal));
        Assert.Contains(told, t => t.Contains("you said (token)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Encrypted_it_speaks_HTTP_2_and_in_clear_HTTP_1()
    {
        using X509Certificate2 certificate = CreateCertificate();
        await using ScriptedKvServer secure = await StartAsync(certificate);
        using var tls = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && shown.GetCertHashString() == certificate.GetCertHashString() } };
        await using KvConnectDatabase encrypted = await KvConnectDatabase.OpenAsync(OptionsOf(secure.Address), handler: tls, cancellationToken: Token);
        await using KvConnectDatabase clear = await OpenAsync();
        foreach (KvConnectDatabase database in (KvConnectDatabase[])[encrypted, clear])
        {
            await GetAsync(database);
            await using IAsyncEnumerator<WatchUpdate> watch = database.WatchAsync([A], Token).GetAsyncEnumerator(Token);
            Assert.True(await watch.MoveNextAsync());
            await database.AtomicWriteAsync(Sum(1), Token);
            Assert.True(await watch.MoveNextAsync());
        }

        Assert.Equal(["HTTP/2"], secure.Requests.Select(r => r.Protocol).Distinct());
        Assert.Equal(["HTTP/1.1"], Server.Requests.Select(r => r.Protocol).Distinct());
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset from = TimeProvider.System.GetUtcNow().AddMinutes(-5);
        return request.CreateSelfSigned(from, from.AddDays(1));
    }
}
