//! Argon2id on a fixed number of threads behind a bounded queue.
//!
//! Each thread keeps its memory between hashes and gives it back after a while without work, so a busy server does
//! not fault pages for each sign-in and an idle one is small. A full queue is an answer (503), never a wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use super::policy::MAX_BYTES;
use crate::base::random::Random;
use crate::base::secret::equal;
use crate::error::{Error, ErrorKind, Result};

/// A thread without work for that long gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

/// The outcome of a password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The password belongs to the hash.
    pub is_match: bool,
    /// It does, and the hash was made with other parameters than today's.
    pub needs_rehash: bool,
}

/// The hashing threads. Dropped, they finish what is queued and end.
pub struct Hasher {
    shared: Arc<Shared>,
    params: Params,
    random: Random,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    capacity: usize,
}

struct Queue {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

/// One Argon2id computation.
struct Job {
    password: SecretString,
    salt: Vec<u8>,
    params: Params,
    version: Version,
    algorithm: Algorithm,
    output_length: usize,
    reply: oneshot::Sender<Option<Vec<u8>>>,
}

impl Hasher {
    /// Starts `threads` threads (at least one) with a queue of `capacity` waiting jobs.
    ///
    /// # Errors
    /// When the parameters are out of Argon2's range or no thread can be started.
    pub fn start(params: (u32, u32, u32), threads: usize, capacity: usize, random: Random) -> Result<Self> {
        let (memory_kib, iterations, parallelism) = params;
        let params = Params::new(memory_kib, iterations, parallelism, None)
            .map_err(|error| Error::internal(format!("passwords.*: {error}")))?;
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { jobs: VecDeque::new(), is_closed: false }),
            wake: Condvar::new(),
            capacity,
        });
        let threads = (0..threads.max(1))
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name("hashing".into())
                    .spawn(move || shared.work())
                    .map_err(|error| Error::internal(error.to_string()))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { shared, params, random, threads })
    }

    /// The PHC string of a new password.
    ///
    /// # Errors
    /// [`ErrorKind::HashingQueueFull`].
    pub async fn hash(&self, password: &SecretString) -> Result<String> {
        let salt: [u8; 16] = self.random.bytes();
        let output = self
            .compute(password, &salt, &self.params, Algorithm::Argon2id, Version::V0x13, 32)
            .await?
            .ok_or_else(|| Error::internal("argon2 refused to hash"))?;
        let unusable = |error: &dyn std::fmt::Display| Error::internal(format!("argon2: {error}"));
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&self.params).try_into().map_err(|error| unusable(&error))?,
            salt: Some(Salt::new(&salt).map_err(|error| unusable(&error))?),
            hash: Some(Output::new(&output).map_err(|error| unusable(&error))?),
        }
        .to_string())
    }

    /// Compares a password with a stored hash. Without a hash (no such account, or none set) the same work is done
    /// for nothing and the answer is no match.
    ///
    /// # Errors
    /// [`ErrorKind::HashingQueueFull`].
    pub async fn verify(&self, password: &SecretString, hash: Option<&str>) -> Result<Verdict> {
        const NO: Verdict = Verdict { is_match: false, needs_rehash: false };
        let stored = hash.and_then(Stored::parse);
        let Some(stored) = stored.filter(|_| password.expose_secret().len() <= MAX_BYTES) else {
            self.compute(password, &[0; 16], &self.params, Algorithm::Argon2id, Version::V0x13, 32).await?;
            return Ok(NO);
        };
        let output = self
            .compute(
                password,
                &stored.salt,
                &stored.params,
                stored.algorithm,
                stored.version,
                stored.output.len(),
            )
            .await?;
        let is_match = output.is_some_and(|output| equal(&output, &stored.output));
        Ok(Verdict { is_match, needs_rehash: is_match && !stored.is_current(&self.params) })
    }

    async fn compute(
        &self,
        password: &SecretString,
        salt: &[u8],
        params: &Params,
        algorithm: Algorithm,
        version: Version,
        output_length: usize,
    ) -> Result<Option<Vec<u8>>> {
        let (reply, answer) = oneshot::channel();
        // An over-long password is never right; its work must not grow with its length.
        let text = password.expose_secret();
        let end = text.floor_char_boundary(MAX_BYTES);
        let job = Job {
            password: SecretString::from(&text[..end]),
            salt: salt.to_vec(),
            params: params.clone(),
            version,
            algorithm,
            output_length,
            reply,
        };
        {
            let mut queue = self.shared.lock();
            if queue.jobs.len() >= self.shared.capacity {
                return Err(ErrorKind::HashingQueueFull.into());
            }
            queue.jobs.push_back(job);
        }
        self.shared.wake.notify_one();
        answer.await.map_err(|_| Error::internal("a hashing thread went away"))
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when the hasher was dropped. `on_idle` runs after [`IDLE`] without one.
    fn next(&self, mut on_idle: impl FnMut()) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.is_closed {
                return None;
            }
            let (guard, timeout) =
                self.wake.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = guard;
            if timeout.timed_out() && queue.jobs.is_empty() {
                on_idle();
            }
        }
    }

    fn work(&self) {
        let mut memory: Vec<Block> = Vec::new();
        while let Some(job) = self.next(|| memory = Vec::new()) {
            // The client went away while it waited: no work for nobody.
            if job.reply.is_closed() {
                continue;
            }
            let blocks = job.params.block_count();
            if memory.len() < blocks {
                memory.resize(blocks, Block::default());
            }
            let mut output = vec![0; job.output_length];
            let done = Argon2::new(job.algorithm, job.version, job.params.clone())
                .hash_password_into_with_memory(
                    job.password.expose_secret().as_bytes(),
                    &job.salt,
                    &mut output,
                    &mut memory[..blocks],
                )
                .is_ok();
            let _ = job.reply.send(done.then_some(output));
        }
    }
}

/// A parsed PHC string of the Argon2 family.
struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    fn parse(text: &str) -> Option<Self> {
        let hash = PasswordHash::new(text).ok()?;
        Some(Self {
            algorithm: Algorithm::try_from(hash.algorithm.as_str()).ok()?,
            version: match hash.version {
                Some(version) => Version::try_from(version).ok()?,
                None => Version::V0x10,
            },
            params: Params::try_from(&hash).ok()?,
            salt: hash.salt.as_ref()?.as_ref().to_vec(),
            output: hash.hash.as_ref()?.as_bytes().to_vec(),
        })
    }

    fn is_current(&self, params: &Params) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params.m_cost() == params.m_cost()
            && self.params.t_cost() == params.t_cost()
            && self.params.p_cost() == params.p_cost()
            && self.output.len() == 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(params: (u32, u32, u32), capacity: usize) -> Hasher {
        Hasher::start(params, 1, capacity, Random::seeded(1)).unwrap()
    }

    #[tokio::test]
    async fn verifies_its_own_hashes_and_nothing_else() {
        let hasher = hasher((8, 1, 1), 8);
        let password = SecretString::from("correct horse");
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        let verdict = hasher.verify(&password, Some(&hash)).await.unwrap();
        assert_eq!(verdict, Verdict { is_match: true, needs_rehash: false });
        for (password, hash) in [
            ("Correct horse", Some(hash.as_str())),
            ("", Some(&hash)),
            ("correct horse", None),
            ("correct horse", Some("not a hash")),
        ] {
            let verdict = hasher.verify(&SecretString::from(password), hash).await.unwrap();
            assert!(!verdict.is_match);
        }
    }

    #[tokio::test]
    async fn old_parameters_ask_for_a_new_hash() {
        let password = SecretString::from("correct horse");
        let old = hasher((8, 1, 1), 8).hash(&password).await.unwrap();
        let verdict = hasher((16, 2, 1), 8).verify(&password, Some(&old)).await.unwrap();
        assert_eq!(verdict, Verdict { is_match: true, needs_rehash: true });
    }

    #[tokio::test]
    async fn the_reference_vector_of_the_c_implementation_verifies() {
        // argon2 (C reference), test.c: password "password", salt "somesalt", t=2 m=64MiB p=1, version 0x13.
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let verdict = hasher((8, 1, 1), 8).verify(&SecretString::from("password"), Some(hash)).await.unwrap();
        assert_eq!(verdict, Verdict { is_match: true, needs_rehash: true });
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = hasher((8, 1, 1), 0);
        let error = hasher.hash(&SecretString::from("correct horse")).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::HashingQueueFull);
    }

    #[tokio::test]
    async fn a_password_longer_than_the_limit_never_matches_its_prefix() {
        let hasher = hasher((8, 1, 1), 8);
        let longest = "x".repeat(MAX_BYTES);
        let hash = hasher.hash(&SecretString::from(longest.as_str())).await.unwrap();
        let longer = SecretString::from(format!("{longest}y"));
        assert!(!hasher.verify(&longer, Some(&hash)).await.unwrap().is_match);
    }
}
