using Strata.Testing;

namespace Strata.Server.Tests;

/// <summary>A data folder and, elsewhere, the sealing key of its access keys; gone when the test is.</summary>
internal sealed class KeyFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("strata-keys-").FullName;

    public KeyFolder() => Directory.CreateDirectory(Data);

    public FakeClock Clock { get; } = new();

    public string Data => Path.Combine(_root, "data");

    public string SealingKeyFile { get; set; } = null!;

    public string KeyFile => Path.Combine(Data, AccessKeyFile.Name);

    /// <summary>A path beside the data folder.</summary>
    public string this[string relative] => Path.Combine(_root, relative);

    public static KeyFolder Create()
    {
        var folder = new KeyFolder();
        folder.SealingKeyFile = folder["config/sealing.key"];
        return folder;
    }

    public AccessKeyStore Open(AccessKeyRing? ring = null) => AccessKeyStore.Open(Data, SealingKeyFile, ring ?? new AccessKeyRing(), Clock);

    public AccessKeyStore OpenSealed() => AccessKeyStore.OpenSealed(Data, SealingKeyFile, new AccessKeyRing(), Clock);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
