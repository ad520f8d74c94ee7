using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Strata.Server;

/// <summary>The certificate that the server shows, taken anew when its files change: a renewal needs no restart.</summary>
internal sealed class ServerCertificate : IDisposable
{
    /// <summary>How often the files are looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int MaxFileBytes = 1 << 20;

    private readonly TlsOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private byte[] _files;
    private volatile SslStreamCertificateContext _context;
    private Action<IReadOnlyList<string>>? _announce;
    private bool _isDisposed;

    /// <exception cref="StrataConfigurationException">A file is missing, or is no such certificate or key.</exception>
    public ServerCertificate(TlsOptions options, StoreContext context)
    {
        _options = options;
        _clock = context.Clock;
        _log = context.Loggers.CreateLogger("Strata.Server.Tls");
        _context = Load(out _files);
        if (EndOf(_context) < _clock.GetUtcNow()) _log.LogWarning("The certificate {File} has expired at {Time:u}", options.Certificate, EndOf(_context));
        _timer = _clock.CreateTimer(static state => ((ServerCertificate)state!).Renew(), this, Interval, Interval);
    }

    /// <summary>What a connection is encrypted with from now on.</summary>
    public SslServerAuthenticationOptions Authentication => new()
    {
        ServerCertificateContext = _context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        ClientCertificateRequired = false,
    };

    /// <summary>Tells, now and before every renewal, the SHA-256 of each certificate that may be shown from then on.</summary>
    public void AnnounceTo(Action<IReadOnlyList<string>> announce)
    {
        lock (_gate)
        {
            announce([PrintOf(_context)]);
            _announce = announce;
        }
    }

    public void Dispose()
    {
        lock (_gate) _isDisposed = true;
        _timer.Dispose();
    }

    /// <summary>Takes the files if they have changed. While they do not fit together, or cannot be read, the old certificate stays.</summary>
    private void Renew()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            try
            {
                byte[] files = HashOf(ReadFiles());
                if (files.AsSpan().SequenceEqual(_files)) return;
                SslStreamCertificateContext renewed = Load(out files);

                // Who knows the server by its certificate must know the new one before it is shown.
                _announce?.Invoke([PrintOf(renewed), PrintOf(_context)]);
                _context = renewed;
                _files = files;
                _log.LogInformation("The certificate {File} was renewed; it holds until {Time:u}", _options.Certificate, EndOf(renewed));
            }
            catch (Exception e) when (e is StrataConfigurationException or IOException or UnauthorizedAccessException)
            {
                _log.LogWarning(e, "The certificate {File} has changed, but cannot be taken; the old one stays, and the files are tried again", _options.Certificate);
            }
        }
    }

    private SslStreamCertificateContext Load(out byte[] hash)
    {
        (byte[] certificate, byte[]? key) files = ReadFiles();
        hash = HashOf(files);
        string setting = "Strata:Server:TlsCertificate";
        try
        {
            var chain = new X509Certificate2Collection();
            X509Certificate2 leaf;
            if (IsPem(files.certificate))
            {
                string pem = Encoding.UTF8.GetString(files.certificate);
                if (_options.Key is not null) setting = "Strata:Server:TlsKey";
                leaf = LoadPem(pem, files.key is null ? pem : Encoding.UTF8.GetString(files.key));
                chain.ImportFromPem(pem);
            }
            else if (_options.Key is not null)
            {
                throw new StrataConfigurationException("Strata:Server:TlsKey", $"{_options.Certificate} is no PEM; a PKCS #12 file holds its key itself. Leave this out.");
            }
            else
            {
                chain = X509CertificateLoader.LoadPkcs12Collection(files.certificate, _options.Password, X509KeyStorageFlags.Exportable);
                leaf = chain.FirstOrDefault(c => c.HasPrivateKey) ?? throw new StrataConfigurationException(setting, $"{_options.Certificate} holds no private key.");
            }

            // No look-ups elsewhere: what is shown is what the file holds.
            return SslStreamCertificateContext.Create(leaf, chain, offline: true);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            string names = _options.Key is null ? _options.Certificate : $"{_options.Certificate} and {_options.Key}";
            throw new StrataConfigurationException(
                setting, $"{names}: {e.Message} It takes a certificate and its private key, in PEM or in one PKCS #12 file, and TlsPassword if they are encrypted.", e);
        }
    }

    private X509Certificate2 LoadPem(string certificate, string key)
    {
        X509Certificate2 loaded = _options.Password is null ? X509Certificate2.CreateFromPem(certificate, key) : X509Certificate2.CreateFromEncryptedPem(certificate, key, _options.Password);
        if (!OperatingSystem.IsWindows()) return loaded;

        // Windows' TLS takes no key that is in memory alone.
        using (loaded) return X509CertificateLoader.LoadPkcs12(loaded.Export(X509ContentType.Pkcs12), null);
    }

    private (byte[] Certificate, byte[]? Key) ReadFiles() =>
        (ReadFile(_options.Certificate, "TlsCertificate"), _options.Key is null ? null : ReadFile(_options.Key, "TlsKey"));

    private static byte[] ReadFile(string path, string setting)
    {
        try
        {
            return new FileInfo(path).Length <= MaxFileBytes
                ? File.ReadAllBytes(path)
                : throw new StrataConfigurationException("Strata:Server:" + setting, $"{path} is too long for a certificate or key.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StrataConfigurationException("Strata:Server:" + setting, $"{path} cannot be read: {e.Message}", e);
        }
    }

    private static bool IsPem(byte[] file) => file.AsSpan().IndexOf("-----BEGIN"u8) >= 0;

    private static byte[] HashOf((byte[] Certificate, byte[]? Key) files) => SHA256.HashData([.. SHA256.HashData(files.Certificate), .. files.Key ?? []]);

    private static DateTimeOffset EndOf(SslStreamCertificateContext context) => new(context.TargetCertificate.NotAfter);

    private static string PrintOf(SslStreamCertificateContext context) => Convert.ToHexStringLower(SHA256.HashData(context.TargetCertificate.RawData));
}
