using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The keys that a data folder keeps: sealed, whole or refused, and durable before anybody hears of them.</summary>
public sealed class AccessKeyFileTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly KeyFolder _folder = KeyFolder.Create();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Keys_come_back_as_they_were_made()
    {
        AccessKeyStore store = _folder.Open();
        AccessKey made = store.Create(new CreateAccessKeyWire(["read,list:photos/2026/", "all:*"], "ann1", "Ann's laptop – ü"));
        AccessKey named = store.Create(new CreateAccessKeyWire(["write:media"]));

        var ring = new AccessKeyRing();
        IReadOnlyList<AccessKeyWire> listed = _folder.Open(ring).List();
        AccessKey read = ring.Find("ann1")!;
        Assert.True(ring.IsRequired);
        Assert.Equal([named.Id, "ann1"], ring.Keys.Select(k => k.Id));
        Assert.Equal((made.Secret, made.Name, made.Created, false), (read.Secret, read.Name, read.Created, read.IsConfigured));
        Assert.Equal(made.Grants, read.Grants);
        Assert.Equal(_folder.Clock.GetUtcNow(), read.Created);
        Assert.Equal(["write:media"], listed[0].Grants);
        Assert.Matches("^STRATA[A-Z2-7]{14}$", named.Id);
        Assert.Matches("^[A-Za-z0-9]{40}$", named.Secret);
        Assert.NotEqual(made.Secret, named.Secret);
    }

    [Fact]
    public void The_data_folder_holds_no_secret()
    {
        AccessKeyStore store = _folder.Open();
        List<AccessKey> keys = [.. Enumerable.Range(0, 5).Select(_ => store.Create(new CreateAccessKeyWire(["all:*"])))];
        store.Revoke(keys[0].Id);

        string sealing = JsonDocument.Parse(File.ReadAllBytes(_folder.SealingKeyFile)).RootElement.GetProperty("key").GetString()!;
        foreach (string file in Directory.GetFiles(_folder.Data, "*", SearchOption.AllDirectories))
        {
            byte[] bytes = File.ReadAllBytes(file);
            Assert.False(Holds(bytes, Convert.FromBase64String(sealing)) || Holds(bytes, Encoding.UTF8.GetBytes(sealing)), $"The sealing key is in {file}: whoever reads a backup could unseal.");
            foreach (byte[] secret in keys.Select(k => Encoding.UTF8.GetBytes(k.Secret)))
            {
                Assert.False(Holds(bytes, secret), $"A secret is in {file}: whoever reads a backup could sign.");
                Assert.False(Holds(bytes, Encoding.UTF8.GetBytes(Convert.ToBase64String(secret).TrimEnd('=')[..^1])), $"A secret is in {file} as base64.");
                Assert.False(Holds(bytes, Encoding.UTF8.GetBytes(Convert.ToHexStringLower(secret))), $"A secret is in {file} as hex.");
            }
        }

        static bool Holds(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> part) => bytes.IndexOf(part) >= 0;
    }

    /// <summary>Files of format 1, as they were first written: every later version reads them.</summary>
    [Fact]
    public void Files_of_format_1_are_read_for_ever()
    {
        const string Sealing =
            """
            {"magic":"strata-sealing-key","version":1,"id":"4c5f24217da51a87","key":"EuX63DVu3l5z1NH9J7BB2nFTFyYzpNMULQrJeuhHqDM="}

            """;
        const string Keys =
            """
            {"magic":"strata-access-keys","version":1,"crc32c":"4846baf1"}
            {
              "sealingKey": "4c5f24217da51a87",
              "keys": [
                {
                  "id": "golden1",
                  "name": "Ann – ü",
                  "created": "2026-11-21T10:37:37+00:00",
                  "grants": [
                    "read,list:photos/2026/",
                    "all:*"
                  ],
                  "secret": "qmAfLHg18ZCsBlpjH0z4TuGMkmr77bwW4l4nguWyb/Uk/OdmVlcoblx31x4geiVLGCKSVODDn3M90ZBkSAvbmDccYdw="
                }
              ]
            }

            """;
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.SealingKeyFile)!);
        File.WriteAllText(_folder.SealingKeyFile, Sealing);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_folder.SealingKeyFile, Private);
        File.WriteAllText(_folder.KeyFile, Keys);

        var ring = new AccessKeyRing();
        _folder.Open(ring);
        AccessKey key = Assert.Single(ring.Keys);
        Assert.Equal(("golden1", "LKGpFCT8l44md712iNiQj6uaCX5esHP1Xn62BgBp", "Ann – ü"), (key.Id, key.Secret, key.Name));
        Assert.Equal(["read,list:photos/2026/", "all:*"], key.Grants.Select(g => g.ToString()));
        Assert.Equal(new DateTimeOffset(2026, 11, 21, 10, 37, 37, TimeSpan.Zero), key.Created);
    }

    [Fact]
    public void Equal_secrets_are_sealed_differently()
    {
        var sealing = SealingKey.Create();
        Assert.NotEqual(sealing.Seal("the same secret", "a"u8), sealing.Seal("the same secret", "a"u8));
    }

    [Fact]
    public void A_seal_opens_for_its_own_text_context_and_key_only()
    {
        var sealing = SealingKey.Create();
        string box = sealing.Seal("a secret of some length", "key a"u8);
        Assert.Equal("a secret of some length", sealing.Open(box, "key a"u8));
        Assert.Null(sealing.Open(box, "key b"u8));
        Assert.Null(SealingKey.Create().Open(box, "key a"u8));
        Assert.Null(sealing.Open("", "key a"u8));
        Assert.Null(sealing.Open("no base64!", "key a"u8));
        byte[] bytes = Convert.FromBase64String(box);
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] flipped = [.. bytes];
            flipped[i] ^= 1;
            Assert.Null(sealing.Open(Convert.ToBase64String(flipped), "key a"u8));
            Assert.Null(sealing.Open(Convert.ToBase64String(bytes.AsSpan(0, i)), "key a"u8));
        }
    }

    [Fact]
    public void Both_files_are_their_users_alone()
    {
        _folder.Open().Create(new CreateAccessKeyWire(["all:*"]));
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(Private, File.GetUnixFileMode(_folder.KeyFile));
        Assert.Equal(Private, File.GetUnixFileMode(_folder.SealingKeyFile));
        Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(_folder.SealingKeyFile)!));
    }

    [Theory]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void A_sealing_key_that_others_can_read_is_refused(UnixFileMode open)
    {
        if (OperatingSystem.IsWindows()) return;
        _folder.Open().Create(new CreateAccessKeyWire(["all:*"]));
        File.SetUnixFileMode(_folder.SealingKeyFile, Private | open);
        StrataConfigurationException refused = Assert.Throws<StrataConfigurationException>(() => _folder.Open());
        Assert.Equal(SealingKeyFile.Setting, refused.Setting);
        Assert.Contains($"chmod 600 {_folder.SealingKeyFile}", refused.Message);
    }

    [Fact]
    public void Opening_makes_no_file()
    {
        Assert.Empty(_folder.Open().List());
        Assert.False(File.Exists(_folder.SealingKeyFile));
        Assert.False(File.Exists(_folder.KeyFile));
    }

    [Fact]
    public void A_missing_sealing_key_is_told_in_words_and_never_made_anew()
    {
        _folder.Open().Create(new CreateAccessKeyWire(["all:*"]));
        string id = IdOf(_folder.SealingKeyFile);
        File.Delete(_folder.SealingKeyFile);

        foreach (Action use in (Action[])[() => _folder.Open(), () => _folder.OpenSealed().Create(new CreateAccessKeyWire(["all:*"]))])
        {
            StrataConfigurationException refused = Assert.Throws<StrataConfigurationException>(use);
            Assert.Contains(id, refused.Message);
            Assert.Contains(_folder.SealingKeyFile, refused.Message);
            Assert.Contains("strata access create", refused.Message);
            Assert.False(File.Exists(_folder.SealingKeyFile), "A new sealing key would hide that the old one is missing.");
        }
    }

    [Fact]
    public void Another_sealing_key_is_told_in_words()
    {
        _folder.Open().Create(new CreateAccessKeyWire(["all:*"]));
        string id = IdOf(_folder.SealingKeyFile), file = _folder.SealingKeyFile;
        _folder.SealingKeyFile = _folder["elsewhere/sealing.key"];
        new SealingKeyFile(_folder.SealingKeyFile, _folder.Data).FindOrCreate();

        StrataConfigurationException refused = Assert.Throws<StrataConfigurationException>(() => _folder.Open());
        Assert.Contains(id, refused.Message);
        Assert.Contains(IdOf(_folder.SealingKeyFile), refused.Message);
        Assert.NotEqual(file, _folder.SealingKeyFile);
    }

    [Fact]
    public void Without_the_sealing_key_keys_can_be_listed_and_revoked_and_then_made_anew()
    {
        AccessKey lost = _folder.Open().Create(new CreateAccessKeyWire(["read:photos"]));
        File.Delete(_folder.SealingKeyFile);

        AccessKeyStore store = _folder.OpenSealed();
        Assert.Equal([lost.Id], store.List().Select(k => k.Id));
        Assert.Equal(AccessKeyRevocation.Revoked, store.Revoke(lost.Id));
        AccessKey made = store.Create(new CreateAccessKeyWire(["read:photos"]));
        var ring = new AccessKeyRing();
        _folder.Open(ring);
        Assert.Equal([made.Id], ring.Keys.Select(k => k.Id));
    }

    [Theory]
    [InlineData("sealing.key")]
    [InlineData("main/../sub/sealing.key")]
    public void A_sealing_key_in_the_data_folder_is_refused(string relative)
    {
        _folder.SealingKeyFile = Path.Combine(_folder.Data, relative);
        StrataConfigurationException refused = Assert.Throws<StrataConfigurationException>(() => _folder.Open().Create(new CreateAccessKeyWire(["all:*"])));
        Assert.Contains("backup", refused.Message);
        Assert.Empty(Directory.GetFiles(_folder.Data, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_link_into_the_data_folder_is_no_way_around()
    {
        Directory.CreateSymbolicLink(_folder["link"], _folder.Data);
        _folder.SealingKeyFile = _folder["link/keys/sealing.key"];
        Assert.Throws<StrataConfigurationException>(() => _folder.Open().Create(new CreateAccessKeyWire(["all:*"])));

        File.CreateSymbolicLink(_folder["sealing.key"], Path.Combine(_folder.Data, "hidden.key"));
        _folder.SealingKeyFile = _folder["sealing.key"];
        Assert.Throws<StrataConfigurationException>(() => _folder.Open().Create(new CreateAccessKeyWire(["all:*"])));
    }

    [Fact]
    public void Every_flipped_byte_and_every_length_of_the_key_file_is_refused()
    {
        AccessKeyStore store = _folder.Open();
        store.Create(new CreateAccessKeyWire(["read,list:photos/2026/"], Name: "one"));
        store.Create(new CreateAccessKeyWire(["all:*"]));
        byte[] whole = File.ReadAllBytes(_folder.KeyFile);
        for (int i = 0; i < whole.Length; i++)
        {
            foreach (byte change in (byte[])[1, 0x20, 0x80])
            {
                byte[] flipped = [.. whole];
                flipped[i] ^= change;
                Refused(flipped, $"byte {i} with {change:x2} flipped");
            }

            Refused(whole[..i], $"the first {i} bytes");
        }

        Refused([.. whole, (byte)' '], "a byte more");
        Refused([.. whole, .. whole], "all of it twice");

        void Refused(byte[] bytes, string what)
        {
            File.WriteAllBytes(_folder.KeyFile, bytes);
            var ring = new AccessKeyRing();
            StorageException e = Assert.Throws<StorageException>(() => _folder.Open(ring));
            Assert.True(e.Kind is StorageErrorKind.Corrupt or StorageErrorKind.Unsupported, $"{what}: {e.Message}");
            Assert.Contains(_folder.KeyFile, e.Message);
            Assert.Empty(ring.Keys);
        }
    }

    [Fact]
    public void Every_flipped_byte_and_every_length_of_the_sealing_key_is_refused()
    {
        AccessKey key = _folder.Open().Create(new CreateAccessKeyWire(["all:*"]));
        byte[] whole = File.ReadAllBytes(_folder.SealingKeyFile);
        for (int i = 0; i < whole.Length - 1; i++)
        {
            byte[] flipped = [.. whole];
            flipped[i] ^= 1;
            Refused(flipped);
            Refused(whole[..i]);
        }

        void Refused(byte[] bytes)
        {
            File.WriteAllBytes(_folder.SealingKeyFile, bytes);
            StrataConfigurationException e = Assert.Throws<StrataConfigurationException>(() => _folder.Open());
            Assert.Contains(_folder.SealingKeyFile, e.Message);
            Assert.DoesNotContain(key.Secret, e.ToString());
        }
    }

    [Fact]
    public void Rights_that_somebody_wrote_into_the_file_are_refused()
    {
        AccessKey key = _folder.Open().Create(new CreateAccessKeyWire(["read:photos"]));
        var file = new AccessKeyFile(_folder.Data);
        AccessKeyList list = file.Read()!;
        file.Write(list with { Keys = [list.Keys[0] with { Grants = ["all:*"] }] });

        StorageException refused = Assert.Throws<StorageException>(() => _folder.Open());
        Assert.Equal(StorageErrorKind.Corrupt, refused.Kind);
        Assert.Contains(key.Id, refused.Message);
    }

    [Fact]
    public void A_secret_does_not_go_over_to_another_key()
    {
        AccessKeyStore store = _folder.Open();
        store.Create(new CreateAccessKeyWire(["all:*"], "admin"));
        store.Create(new CreateAccessKeyWire(["all:*"], "other"));
        var file = new AccessKeyFile(_folder.Data);
        AccessKeyList list = file.Read()!;
        file.Write(list with { Keys = [list.Keys[0] with { Secret = list.Keys[1].Secret }, list.Keys[1]] });

        Assert.Equal(StorageErrorKind.Corrupt, Assert.Throws<StorageException>(() => _folder.Open()).Kind);
    }

    [Fact]
    public void What_a_crash_left_behind_is_in_nobodys_way()
    {
        AccessKeyStore store = _folder.Open();
        AccessKey first = store.Create(new CreateAccessKeyWire(["all:*"]));

        // A write that ended after any of its steps: half a temporary file, a whole one, one of a sealing key.
        foreach (byte[] left in (byte[][])[[], [1, 2, 3], File.ReadAllBytes(_folder.KeyFile)])
        {
            File.WriteAllBytes(_folder.KeyFile + ".new", left);
            File.WriteAllBytes($"{_folder.SealingKeyFile}.{Guid.NewGuid():n}", left);
            var ring = new AccessKeyRing();
            AccessKeyStore reopened = _folder.Open(ring);
            Assert.NotNull(ring.Find(first.Id));
            AccessKey more = reopened.Create(new CreateAccessKeyWire(["all:*"]));
            Assert.False(File.Exists(_folder.KeyFile + ".new"));
            Assert.Contains(more.Id, _folder.Open().List().Select(k => k.Id));
        }
    }

    [Fact]
    public void A_change_that_cannot_be_written_is_no_change()
    {
        var ring = new AccessKeyRing();
        AccessKeyStore store = _folder.Open(ring);
        AccessKey key = store.Create(new CreateAccessKeyWire(["all:*"]));
        Directory.CreateDirectory(_folder.KeyFile + ".new/in the way");

        Assert.Throws<StorageException>(() => store.Create(new CreateAccessKeyWire(["all:*"], "late")));
        Assert.Throws<StorageException>(() => store.Revoke(key.Id));
        Assert.Null(ring.Find("late"));
        Assert.NotNull(ring.Find(key.Id));
        Assert.Equal([key.Id], store.List().Select(k => k.Id));
        Directory.Delete(_folder.KeyFile + ".new", recursive: true);
        Assert.Equal([key.Id], _folder.Open().List().Select(k => k.Id));
        Assert.Equal(AccessKeyRevocation.Revoked, store.Revoke(key.Id));
    }

    [Fact]
    public void Revoking_the_last_key_opens_nothing()
    {
        AccessKeyStore store = _folder.Open();
        AccessKey key = store.Create(new CreateAccessKeyWire(["all:*"]));
        Assert.Equal(AccessKeyRevocation.Missing, store.Revoke("none"));
        Assert.Equal(AccessKeyRevocation.Revoked, store.Revoke(key.Id));

        var ring = new AccessKeyRing();
        _folder.Open(ring);
        Assert.Empty(ring.Keys);
        Assert.True(ring.IsRequired, "A server that asked for credentials stopped doing so because a key was revoked.");
    }

    [Fact]
    public void A_ring_that_served_before_forgets_what_was_revoked_meanwhile()
    {
        var ring = new AccessKeyRing();
        AccessKey key = _folder.Open(ring).Create(new CreateAccessKeyWire(["all:*"]));
        _folder.OpenSealed().Revoke(key.Id);
        _folder.Open(ring);
        Assert.Null(ring.Find(key.Id));
    }

    [Fact]
    public async Task Changes_at_once_are_all_kept()
    {
        var ring = new AccessKeyRing();
        AccessKeyStore store = _folder.Open(ring);
        AccessKey[] doomed = [.. Enumerable.Range(0, 20).Select(_ => store.Create(new CreateAccessKeyWire(["read:a"])))];
        AccessKey[] made = await Task.WhenAll(doomed.Select(d => Task.Run(() =>
        {
            Assert.Equal(AccessKeyRevocation.Revoked, store.Revoke(d.Id));
            return store.Create(new CreateAccessKeyWire(["read:a"]));
        })));

        var read = new AccessKeyRing();
        _folder.Open(read);
        Assert.Equal(made.Select(k => k.Id).Order(StringComparer.Ordinal), read.Keys.Select(k => k.Id));
        Assert.Equal(ring.Keys.Select(k => (k.Id, k.Secret)), read.Keys.Select(k => (k.Id, k.Secret)));
    }

    [Fact]
    public async Task Of_many_who_make_the_sealing_key_one_wins_and_all_use_it()
    {
        SealingKey[] keys = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => new SealingKeyFile(_folder.SealingKeyFile, _folder.Data).FindOrCreate())));
        Assert.Single(keys.Select(k => k.Id).Distinct());
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(_folder.SealingKeyFile)!));
    }

    [Fact]
    public void A_key_of_the_configuration_cannot_be_revoked_or_made_again()
    {
        var configured = new AccessKey { Id = "fixed", Secret = "12345678", Grants = [AccessGrant.Everything], IsConfigured = true };
        AccessKeyStore store = _folder.Open(new AccessKeyRing(configured));
        Assert.Equal(AccessKeyRevocation.Configured, store.Revoke("fixed"));
        Assert.Contains("'fixed' already", Assert.Throws<ArgumentException>(() => store.Create(new CreateAccessKeyWire(["all:*"], "fixed"))).Message);
        Assert.True(Assert.Single(store.List()).Configured);

        using KeyFolder other = KeyFolder.Create();
        other.Open().Create(new CreateAccessKeyWire(["all:*"], "fixed"));
        StrataConfigurationException refused = Assert.Throws<StrataConfigurationException>(() => other.Open(new AccessKeyRing(configured)));
        Assert.Contains("'fixed'", refused.Message);
        Assert.DoesNotContain("12345678", refused.ToString());
    }

    [Theory]
    [InlineData("ab", "", "read:a", "3 to 128")]
    [InlineData("a b c", "", "read:a", "letters and digits")]
    [InlineData("../../x", "", "read:a", "letters and digits")]
    [InlineData("abc", "two\nlines", "read:a", "control characters")]
    [InlineData("abc", "", "", "RIGHT")]
    [InlineData("abc", "", "read", "RIGHT")]
    [InlineData("abc", "", "fly:a", "'fly'")]
    [InlineData("abc", "", "read:a/b\nc", "control characters")]
    public void What_a_key_cannot_be_made_of_is_told(string id, string name, string grant, string says)
    {
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => _folder.Open().Create(new CreateAccessKeyWire([grant], id, name))).Message);
        Assert.False(File.Exists(_folder.SealingKeyFile));
    }

    private static string IdOf(string sealingKeyFile) => SealingKey.Parse(File.ReadAllBytes(sealingKeyFile)).Id;
}
