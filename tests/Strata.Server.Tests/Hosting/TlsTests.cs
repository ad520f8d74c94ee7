using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>HTTPS, and certificates that are renewed while the server runs.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-tls-").FullName;
    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());

    private string Pem => Path.Combine(_folder, "server.pem");

    private string Key => Path.Combine(_folder, "server.key");

    private string Pfx => Path.Combine(_folder, "server.pfx");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("pem")]
    [InlineData("one pem")]
    [InlineData("encrypted pem")]
    [InlineData("pfx")]
    [InlineData("pfx with password")]
    public async Task Serves_with_a_certificate_in_any_of_its_forms(string form)
    {
        using X509Certificate2 certificate = CreateCertificate("one");
        await using StrataServer server = await StartAsync(Write(certificate, form));
        Assert.Equal("https", server.Address.Scheme);
        using HttpClient http = ClientFor(certificate, server);
        Assert.Equal("""{"status":"ok"}""", await http.GetStringAsync("/_strata/health"));
    }

    [Fact]
    public async Task The_AWS_SDK_puts_and_gets_over_TLS()
    {
        using X509Certificate2 certificate = CreateCertificate("one");
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using StrataServer server = await StartAsync(Write(certificate, "pem"), store);
        using var s3 = new AmazonS3Client(new BasicAWSCredentials("any", "thing"), new AmazonS3Config
        {
            ServiceURL = server.Address.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1", HttpClientFactory = new Pinned(certificate),
        });
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "over TLS" });
        using GetObjectResponse answer = await s3.GetObjectAsync("main", "k");
        using var reader = new StreamReader(answer.ResponseStream);
        Assert.Equal("over TLS", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task The_intermediate_certificates_of_the_file_are_sent()
    {
        using X509Certificate2 root = CreateCertificate("root", isAuthority: true), middle = CreateCertificate("middle", root, isAuthority: true), leaf = CreateCertificate("leaf", middle);
        TlsOptions options = Write(leaf, "pem");
        await File.AppendAllTextAsync(Pem, middle.ExportCertificatePem() + "\n");
        await using StrataServer server = await StartAsync(options);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck } },
        });
        Assert.Contains("ok", await http.GetStringAsync(new Uri(server.Address, "/_strata/health")));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Speaks_TLS_1_2_and_1_3(SslProtocols version)
    {
        using X509Certificate2 certificate = CreateCertificate("one");
        await using StrataServer server = await StartAsync(Write(certificate, "pem"));
        using HttpClient http = ClientFor(certificate, server, version);
        Assert.Contains("ok", await http.GetStringAsync("/_strata/health"));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Client_and_server_agree_on_the_protocol(string version)
    {
        using X509Certificate2 certificate = CreateCertificate("one");
        await using StrataServer server = await StartAsync(Write(certificate, "pem"));
        using HttpClient http = ClientFor(certificate, server);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/_strata/health") { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage answer = await http.SendAsync(request);
        Assert.Equal((System.Net.HttpStatusCode.OK, Version.Parse(version)), (answer.StatusCode, answer.Version));
    }

    [Fact]
    public async Task Does_not_speak_TLS_1_1()
    {
        using X509Certificate2 certificate = CreateCertificate("one");
        await using StrataServer server = await StartAsync(Write(certificate, "pem"));
#pragma warning disable SYSLIB0039, CA5397 // That it is old is what this is about.
        using HttpClient http = ClientFor(certificate, server, SslProtocols.Tls11);
#pragma warning restore SYSLIB0039, CA5397
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync("/_strata/health"));
    }

    [Fact]
    public async Task Plain_HTTP_to_the_same_port_gets_nothing()
    {
        using X509Certificate2 certificate = CreateCertificate("one");
        await using StrataServer server = await StartAsync(Write(certificate, "pem"));
        using var http = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync($"http://{server.Address.Authority}/_strata/health"));
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart()
    {
        using X509Certificate2 first = CreateCertificate("first"), second = CreateCertificate("second");
        TlsOptions options = Write(first, "pem");
        await using StrataServer server = await StartAsync(options);
        using (HttpClient http = ClientFor(first, server)) Assert.Contains("ok", await http.GetStringAsync("/_strata/health"));

        // A new certificate with the old key does not fit yet: the old one stays until its key is there too.
        await File.WriteAllTextAsync(Pem, second.ExportCertificatePem());
        _clock.Advance(ServerCertificate.Interval);
        using (HttpClient http = ClientFor(first, server)) Assert.Contains("ok", await http.GetStringAsync("/_strata/health"));

        Write(second, "pem");
        _clock.Advance(ServerCertificate.Interval);
        using (HttpClient http = ClientFor(second, server)) Assert.Contains("ok", await http.GetStringAsync("/_strata/health"));

        // While the files are away, the server goes on with what it has.
        File.Delete(Pem);
        _clock.Advance(ServerCertificate.Interval);
        using (HttpClient http = ClientFor(second, server)) Assert.Contains("ok", await http.GetStringAsync("/_strata/health"));
    }

    [Fact]
    public async Task The_data_folder_names_the_certificate_before_and_after_a_renewal()
    {
        using X509Certificate2 first = CreateCertificate("first"), second = CreateCertificate("second");
        string data = Path.Combine(_folder, "data");
        await using StoreCatalog catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(new Microsoft.Extensions.Configuration.ConfigurationBuilder().Build(), data));
        var context = new StoreContext { Clock = _clock };
        await using StrataServer server = await StrataServer.StartAsync(catalog, new StrataServerOptions { Listen = "127.0.0.1:0", Tls = Write(first, "pem") }, context);
        Assert.Equal([PrintOf(first)], DataFolder.FindOwner(data)!.Certificates);
        Assert.Equal(server.Address, DataFolder.FindOwner(data)!.Address);

        Write(second, "pem");
        _clock.Advance(ServerCertificate.Interval);
        Assert.Equal([PrintOf(second), PrintOf(first)], DataFolder.FindOwner(data)!.Certificates);

        // The server ends before the folder is given free: nothing is announced in between.
        await server.DisposeAsync();
        Write(first, "pem");
        _clock.Advance(ServerCertificate.Interval);
        Assert.Equal([PrintOf(second), PrintOf(first)], DataFolder.FindOwner(data)!.Certificates);
        await catalog.DisposeAsync();
        catalog.Folder.Announce(server.Address);
        Assert.Null(DataFolder.FindOwner(data));
        Assert.False(File.Exists(Path.Combine(data, "owner.json")), "A folder that was given free was announced again: the file may be the next owner's.");
    }

    [Fact]
    public async Task Wrong_files_stop_the_start_and_name_the_setting()
    {
        using X509Certificate2 one = CreateCertificate("one"), other = CreateCertificate("other");
        TlsOptions options = Write(one, "pem");
        Assert.Contains("/no/such", (await RefusedAsync(options with { Certificate = "/no/such" }, "Strata:Server:TlsCertificate")).Message);
        await RefusedAsync(options with { Key = "/no/such" }, "Strata:Server:TlsKey");
        await RefusedAsync(options with { Key = null }, "Strata:Server:TlsCertificate");
        await File.WriteAllTextAsync(Key, other.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        await RefusedAsync(options, "Strata:Server:TlsKey");
        await File.WriteAllTextAsync(Pem, "nonsense");
        await RefusedAsync(options with { Key = null }, "Strata:Server:TlsCertificate");

        TlsOptions pfx = Write(one, "pfx with password");
        await RefusedAsync(pfx with { Password = "another secret" }, "Strata:Server:TlsCertificate");
        await RefusedAsync(pfx with { Key = Key }, "Strata:Server:TlsKey");
        TlsOptions encrypted = Write(one, "encrypted pem");
        await RefusedAsync(encrypted with { Password = "another secret" }, "Strata:Server:TlsKey");

        async Task<StrataConfigurationException> RefusedAsync(TlsOptions tls, string setting)
        {
            StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(() => StartAsync(tls));
            Assert.Equal(setting, e.Setting);
            Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
            return e;
        }
    }

    private async Task<StrataServer> StartAsync(TlsOptions tls, IBlobStore? store = null) => await StrataServer.StartAsync(
        store is null ? [] : new Dictionary<string, IBlobStore> { ["main"] = store }, new StrataServerOptions { Listen = "127.0.0.1:0", Tls = tls }, new StoreContext { Clock = _clock });

    private TlsOptions Write(X509Certificate2 certificate, string form)
    {
        const string Password = "a secret";
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        switch (form)
        {
            case "pem":
                File.WriteAllText(Pem, certificate.ExportCertificatePem() + "\n");
                File.WriteAllText(Key, key.ExportPkcs8PrivateKeyPem());
                return new TlsOptions { Certificate = Pem, Key = Key };
            case "one pem":
                File.WriteAllText(Pem, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
                return new TlsOptions { Certificate = Pem };
            case "encrypted pem":
                File.WriteAllText(Pem, certificate.ExportCertificatePem());
                File.WriteAllText(Key, key.ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
                return new TlsOptions { Certificate = Pem, Key = Key, Password = Password };
            case "pfx":
                File.WriteAllBytes(Pfx, certificate.Export(X509ContentType.Pkcs12));
                return new TlsOptions { Certificate = Pfx };
            default:
                File.WriteAllBytes(Pfx, certificate.Export(X509ContentType.Pkcs12, Password));
                return new TlsOptions { Certificate = Pfx, Password = Password };
        }
    }

    private static X509Certificate2 CreateCertificate(string name, X509Certificate2? issuer = null, bool isAuthority = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        DateTimeOffset from = TimeProvider.System.GetUtcNow().AddMinutes(-5), until = from.AddDays(1);
        if (issuer is null) return request.CreateSelfSigned(from, until);
        using X509Certificate2 signed = request.Create(issuer, new DateTimeOffset(issuer.NotBefore), new DateTimeOffset(issuer.NotAfter), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    /// <summary>A client that takes this one certificate and no other.</summary>
    private static HttpClient ClientFor(X509Certificate2 certificate, StrataServer server, SslProtocols versions = SslProtocols.None) => new(Pinned.HandlerFor(certificate, versions)) { BaseAddress = server.Address };

    private static string PrintOf(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    private sealed class Pinned(X509Certificate2 certificate) : HttpClientFactory
    {
        public static SocketsHttpHandler HandlerFor(X509Certificate2 certificate, SslProtocols versions) => new()
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = versions,
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && shown.GetRawCertData().AsSpan().SequenceEqual(certificate.RawData),
            },
        };

        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(HandlerFor(certificate, SslProtocols.None));
    }
}
