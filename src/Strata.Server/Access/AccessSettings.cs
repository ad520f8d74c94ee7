using Microsoft.Extensions.Configuration;

namespace Strata.Server;

/// <summary>The section <c>Strata:Access</c>: the access keys of the configuration, and where the sealing key of the others lies.</summary>
/// <remarks>No message repeats what stands for an id or a secret: the two may have been mixed up.</remarks>
internal static class AccessSettings
{
    private const int MaxSecretFileBytes = 4096;

    /// <summary>The options with what is set.</summary>
    /// <exception cref="StrataConfigurationException">A setting is wrong.</exception>
    public static StrataServerOptions Read(IConfiguration configuration, StrataServerOptions options)
    {
        var section = new SettingsSection(configuration.GetSection("Strata:Access"), "SealingKeyFile", "Keys");
        var ring = new AccessKeyRing(options.Access.Keys);
        foreach (IConfigurationSection entry in section.Children("Keys"))
        {
            AccessKey key = ReadKey(entry);
            if (!ring.TryAdd(key)) throw new StrataConfigurationException(ConfigurationPath.Combine(entry.Path, "Id"), $"is '{key.Id}', as another key's is; ids must differ.");
        }

        return options with { Access = ring, SealingKeyFile = section.Text("SealingKeyFile") ?? options.SealingKeyFile };
    }

    private static AccessKey ReadKey(IConfigurationSection configuration)
    {
        var section = new SettingsSection(configuration, "Id", "Secret", "SecretFile", "Name", "Allow");
        string id = section.Text("Id") ?? throw section.Missing("Id", AccessKeyRules.IdTakes);
        if (!AccessKeyRules.IsId(id)) throw new StrataConfigurationException(section.PathOf("Id"), $"takes {AccessKeyRules.IdTakes}.");
        string name = section.Text("Name") ?? "";
        if (!AccessKeyRules.IsName(name)) throw new StrataConfigurationException(section.PathOf("Name"), $"takes {AccessKeyRules.NameTakes}.");
        IReadOnlyList<string> texts = section.Texts("Allow") ?? throw section.Missing("Allow", "grants, such as read,list:photos/2026/ or all:*");
        return AccessKeyRules.GrantsFault(texts, out IReadOnlyList<AccessGrant> grants) is { } fault
            ? throw new StrataConfigurationException(section.PathOf("Allow"), fault + ".")
            : new AccessKey { Id = id, Secret = ReadSecret(section), Name = name, Grants = grants, IsConfigured = true };
    }

    private static string ReadSecret(SettingsSection section)
    {
        string? secret = section.Secret("Secret"), file = section.Text("SecretFile");
        if (secret is not null && file is not null) throw new StrataConfigurationException(section.Path, "has both Secret and SecretFile; give one of them.");
        string setting = section.PathOf(file is null ? "Secret" : "SecretFile");
        if (file is not null) secret = ReadFile(setting, file);
        if (secret is null) throw section.Missing("Secret", $"{AccessKeyRules.SecretTakes}; or SecretFile, the name of a file that holds them");
        return AccessKeyRules.IsSecret(secret) ? secret : throw new StrataConfigurationException(setting, $"{(file is null ? "" : $"the text in {file} ")}takes {AccessKeyRules.SecretTakes}.");
    }

    private static string ReadFile(string setting, string file)
    {
        try
        {
            return new FileInfo(file).Length <= MaxSecretFileBytes
                ? File.ReadAllText(file).TrimEnd('\r', '\n')
                : throw new StrataConfigurationException(setting, $"the file {file} is too long for a secret.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StrataConfigurationException(setting, $"the file {file} cannot be read: {e.Message}", e);
        }
    }
}
