using Microsoft.Extensions.Configuration;

namespace Strata.Server;

/// <summary>The section <c>Strata:Server</c>: a row for each option.</summary>
internal static class ServerSettings
{
    private const string KvTokens = nameof(StrataServerOptions.KvTokens);
    private const string Certificate = "TlsCertificate", CertificateKey = "TlsKey", CertificatePassword = "TlsPassword";

    private static readonly Setting[] Settings =
    [
        Setting.Text(nameof(StrataServerOptions.Listen), (o, value) => o with { Listen = value }),
        Setting.Texts(nameof(StrataServerOptions.AllowedHosts), (o, value) => o with { AllowedHosts = value }),
        Setting.Size(nameof(StrataServerOptions.MaxObjectBytes), (o, value) => o with { MaxObjectBytes = value }),
        Setting.Size(nameof(StrataServerOptions.MaxXmlBytes), (o, value) => o with { MaxXmlBytes = ToInt(value) }),
        Setting.Size(nameof(StrataServerOptions.MaxHeaderBytes), (o, value) => o with { MaxHeaderBytes = ToInt(value) }),
        Setting.Count(nameof(StrataServerOptions.MaxConnections), (o, value) => o with { MaxConnections = value }),
        Setting.Count(nameof(StrataServerOptions.MaxUploads), (o, value) => o with { MaxUploads = value }),
        Setting.Count(nameof(StrataServerOptions.MaxUploadsPerClient), (o, value) => o with { MaxUploadsPerClient = value }),
        Setting.Count(nameof(StrataServerOptions.MaxUnfinishedUploads), (o, value) => o with { MaxUnfinishedUploads = value }),
        Setting.Count(nameof(StrataServerOptions.MaxRequestsPerSecond), (o, value) => o with { MaxRequestsPerSecond = value }),
        Setting.Count(nameof(StrataServerOptions.MaxRefusalsPerSecond), (o, value) => o with { MaxRefusalsPerSecond = value }),
        Setting.Count(nameof(StrataServerOptions.MaxRateCounters), (o, value) => o with { MaxRateCounters = value }),
        Setting.Count(nameof(StrataServerOptions.MaxKvDatabases), (o, value) => o with { MaxKvDatabases = value }),
        Setting.Text(nameof(StrataServerOptions.AccessLog), (o, value) => o with { AccessLog = value }),
        Setting.Time(nameof(StrataServerOptions.KeepAliveTimeout), (o, value) => o with { KeepAliveTimeout = value }),
        Setting.Time(nameof(StrataServerOptions.HeaderTimeout), (o, value) => o with { HeaderTimeout = value }),
        Setting.Size(nameof(StrataServerOptions.MinBytesPerSecond), (o, value) => o with { MinBytesPerSecond = ToInt(value) }),
        Setting.Time(nameof(StrataServerOptions.SlowGrace), (o, value) => o with { SlowGrace = value }),
        Setting.Time(nameof(StrataServerOptions.DrainTimeout), (o, value) => o with { DrainTimeout = value }),
    ];

    /// <summary>The names of all settings.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Settings.Select(s => s.Name), KvTokens, Certificate, CertificateKey, CertificatePassword];

    /// <summary>The options with what is set.</summary>
    /// <exception cref="StrataConfigurationException">A setting is wrong.</exception>
    public static StrataServerOptions Read(IConfiguration configuration, StrataServerOptions options)
    {
        var section = new SettingsSection(configuration.GetSection("Strata:Server"), [.. Names]);
        foreach (Setting setting in Settings) options = Checked(section, setting.Name, setting.Apply(section, options));
        return options with { Tls = ReadTls(section) ?? options.Tls, KvTokens = ReadTokens(section) ?? options.KvTokens };
    }

    private static KvToken[]? ReadTokens(SettingsSection section) => section.Texts(KvTokens)?
        .Select(text => KvToken.TryParse(text, out KvToken? token) ? token : throw new StrataConfigurationException(section.PathOf(KvTokens), $"takes {KvToken.Accepted}."))
        .ToArray();

    private static TlsOptions? ReadTls(SettingsSection section)
    {
        string? certificate = section.Text(Certificate), key = section.Text(CertificateKey), password = section.Secret(CertificatePassword);
        if (certificate is not null) return new TlsOptions { Certificate = certificate, Key = key, Password = password };
        return key is null && password is null ? null : throw section.Missing(Certificate, "the file of a certificate, in PEM or PKCS #12");
    }

    /// <summary>An option knows its own range; the message is its own, at the setting's path.</summary>
    private static StrataServerOptions Checked(SettingsSection section, string name, StrataServerOptions options)
    {
        try
        {
            options.Validate();
            return options;
        }
        catch (ArgumentException e) when (e.ParamName == name)
        {
            throw new StrataConfigurationException(section.PathOf(name), $"is '{section.Text(name)}'; {e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal)}", e);
        }
    }

    /// <summary>A size beyond what the option's type holds is beyond its range too.</summary>
    private static int ToInt(long value) => (int)Math.Min(value, int.MaxValue);

    /// <summary>How one option is read; what is not set stays as it is.</summary>
    private sealed record Setting(string Name, Func<SettingsSection, StrataServerOptions, StrataServerOptions> Apply)
    {
        public static Setting Text(string name, Func<StrataServerOptions, string, StrataServerOptions> set) =>
            new(name, (section, options) => section.Text(name) is { } value ? set(options, value) : options);

        public static Setting Texts(string name, Func<StrataServerOptions, IReadOnlyList<string>, StrataServerOptions> set) =>
            new(name, (section, options) => section.Texts(name) is { } value ? set(options, value) : options);

        public static Setting Size(string name, Func<StrataServerOptions, long, StrataServerOptions> set) =>
            new(name, (section, options) => section.Size(name, 0, long.MaxValue) is { } value ? set(options, value) : options);

        public static Setting Count(string name, Func<StrataServerOptions, int, StrataServerOptions> set) =>
            new(name, (section, options) => section.Count(name) is { } value ? set(options, value) : options);

        public static Setting Time(string name, Func<StrataServerOptions, TimeSpan, StrataServerOptions> set) =>
            new(name, (section, options) => section.Time(name) is { } value ? set(options, value) : options);
    }
}
