/** What a word or phrase says about a question. */
export type WordGroup =
  | "code"
  | "terms"
  | "maths"
  | "proof"
  | "stepwise"
  | "judgement"
  | "task"
  | "sequence"
  | "constraint"
  | "plain";

/** The groups, in the order in which they are counted. */
export const WORD_GROUPS: readonly WordGroup[] = [
  "code",
  "terms",
  "maths",
  "proof",
  "stepwise",
  "judgement",
  "task",
  "sequence",
  "constraint",
  "plain",
];

/**
 * The commonest words of English, German, French, Spanish and Portuguese for each group, with commas between. Case and
 * accents do not count. Inflected forms are listed where they are common in requests; the other languages are known by
 * the shape of the text alone.
 */
export const SIGNAL_WORDS: Readonly<Record<WordGroup, readonly string[]>> = {
  /** Programming: languages, things and their names. Most are the same in every language. */
  code: [
    "python, javascript, typescript, java, kotlin, golang, rust, php, ruby, scala, haskell, sql, bash, powershell",
    "html, css, json, yaml, xml, csv, regex, react, angular, vue, django, flask, spring boot, node js, nodejs, numpy",
    "pandas, docker, dockerfile, git, github, npm, api, apis, rest api, graphql, endpoint, endpoints, sdk, cli",
    "command line, code, function, functions, class, method, interface, array, string, boolean, integer, pointer, loop",
    "variable, variables, import, const, async, await, struct, enum, callback, exception, exceptions, traceback",
    "stack trace, null, undefined, nullpointerexception, typeerror, segfault, bug, debug, compile, compiler, runtime",
    "refactor, unit test, unit tests, tests, script, query, join, database, postgresql, postgres, mysql, mongodb, redis",
    "sqlite, component, library, libraries, commit, branch, pull request, parser, workflow, staging, log file",
    // German
    "funktion, klasse, methode, schnittstelle, datenbank, abfrage, fehlermeldung, quelltext, skript, programmiere",
    "bibliothek, bibliotheken, unit test, softwarearchitektur, datenbankschema, fehlerbehandlung",
    // French
    "fonction, fonctions, classe, base de donnees, requete sql, tests unitaires, logiciel, script, bibliotheque",
    // Spanish, Portuguese
    "funcion, funciones, clase, base de datos, bases de datos, consulta sql, consultas sql, pruebas unitarias, codigo",
    "funcao, funcoes, classe, banco de dados, consulta sql, testes, testes unitarios, programa, excecao, excecoes",
    "vba, macro, excel formula, express, fastify, middleware, pytest, ansible, nginx, server, backend, frontend, browser",
    "tls, ssl, http, https, url, cookie, deadlock, thread, threads, mutex, socket, recursion, recursive, algorithm",
    "data structure, binary tree, hash map, linked list, aws, azure, gcp, s3, linux, debian, ubuntu, cron, ssh, webhook",
    "swift, dart, flutter, svelte, next js, tailwind, webpack, vite, node, elixir, perl, matlab, status codes, edge cases",
    "breaking change, breaking changes, error handler, log, logs, crash, crashes, codebase, repository, hook, container",
    "algorithmus, server, absturz, algorithme, serveur, algoritmo, servidor, contenedor",
  ],
  /** Engineering, law, finance, science: things that amateurs do not ask about. */
  terms: [
    "architecture, microservice, microservices, monolith, distributed, concurrency, thread safe, latency, throughput",
    "scalability, scalable, load balancer, kubernetes, terraform, deployment, autoscaler, replicas, consensus, sharding",
    "replication, eventual consistency, cache, caching, authentication, authorization, oauth, jwt, encryption, rate limiting",
    "connection pool, memory leak, leak, health checks, metrics, ci cd, schema, index, transaction, execution plan",
    "dependency injection, migration, migrate, optimize, optimise, double bookings, machine learning, neural network",
    "gradient descent, regression, statistically, hypothesis, gdpr, compliance, liability, audit, contract clause",
    "data protection, cash flow, valuation, marketing campaign, budget, supply chain, differential diagnosis, quantum",
    // German
    "architektur, schnittstellen, skalierbar, verschlusselung, authentifizierung, nebenlaufigkeit, dsgvo, datenschutz",
    "haftung, vertragsklausel, bereitstellung, arithmetische ausdrucke",
    // French
    "chiffrement, authentification, securite, donnees personnelles, rgpd, evolutivite, requetes par seconde, contrat",
    // Spanish, Portuguese
    "arquitectura, cifrado, autenticacion, escalable, rgpd, seguridad, indices, esquema, contrato",
    "arquitetura, criptografia, autenticacao, escalavel, lgpd, seguranca",
    "subnet, subnets, gateway, autoscaling, remote state, requirements document, acceptance criteria, user stories, personas",
    "release plan, stakeholders, roadmap, business plan, kpi, kpis, balance sheet, due diligence, patent, indemnity, statute",
    "jurisdiction, pathophysiology, dosage, thermodynamics, relativity, enzyme, genome, variance, confidence interval",
    "bayesian, econometrics, monetary policy, game theory, signal processing, control system, benchmark, throttling",
    "observability, failover, idempotent, backpressure, event sourcing, message queue, webhooks, feature flag, rollback",
    "geschaftsplan, bilanz, rechtliche vorgaben, zeitplan, dienstplane, patentrecht, lastverteilung",
    "plan d affaires, bilan, droit, calendrier, plan de negocios, balance general, cronograma, plano de negocios, balanco",
  ],
  maths: [
    "theorem, lemma, integral, derivative, equation, equations, polynomial, matrix, eigenvalue, eigenvalues, vector space",
    "probability, combinatorics, prime, primes, prime numbers, integer solutions, integers, square root, root of, irrational",
    "rational, converges, diverges, series, continuous, function f, limit of, lower bound, upper bound, closed form, modulo",
    "logarithm, unique for, worst case, for all n, sum of, quadratic, geometry, triangle, calculus, algebra",
    // German
    "satz von, primzahl, primzahlen, gleichung, gleichungen, ableitung, wahrscheinlichkeit, wurzel, irrational, unendlich",
    "losungsformel, quadratische, reihe, stetig",
    // French
    "theoreme, nombre premier, nombres premiers, equation, derivee, probabilite, racine, entiers, somme des, continue",
    // Spanish, Portuguese
    "teorema, numero primo, numeros primos, ecuacion, derivada, probabilidad, raiz de, irracional, enteros, suma de",
    "equacao, probabilidade, raiz quadrada, infinitos, inteiros, soma dos",
    "vertices, graph theory, surjection, bijection, injective, power set, expected number, expected value, formula, factorial",
    "geometric progression, arithmetic progression, permutation, permutations, divisible, remainder, angle, angles",
    "odd numbers, even numbers, rational number, real numbers, complex numbers, converge, n vertices, solve for",
    "formel, teilbar, winkel, dreieck, summe der, ungeraden, geraden zahlen, erwartungswert, reelle, menge",
    "racine carree, rationnelle, formule, angles, divisible, esperance, ensemble, entier",
    "progresion, triangulo, angulos, conjunto, raiz cuadrada, progressao, divisivel",
  ],
  /** Whoever asks for it wants an argument without gaps. */
  proof: [
    "prove, proof, proofs, proved, deduce, derive, by induction, contradiction, rigorous, rigorously, who owns, show that",
    "beweise, beweisen, beweis, leite her, herleitung, herleiten, leite, folgere",
    "demontre, demontrer, demontrez, preuve, prouve, prouver, deduis, par recurrence",
    "demuestra, demostrar, demuestre, demostracion, deduce, deduzca, por induccion",
    "demonstre, demonstrar, demonstracao, deduza, por inducao",
    "disprove, refute, counterexample, zeige dass, induktion, widerlege, widerspruch, gegenbeispiel, montre que, prouvez",
    "refute, contre exemple, muestra que, prueba que, contraejemplo, mostre que, contraexemplo, derive la, derivar",
  ],
  stepwise: [
    "step by step, each step, every step, think through, chain of thought, schritt fur schritt, jeden schritt",
    "etape par etape, chaque etape, pas a pas, paso a paso, cada paso, passo a passo, cada etapa, cada passo",
  ],
  judgement: [
    "analyze, analyse, analysis, evaluate, assess, compare, justify, reason, reasoning, argue, logically, logic, critique",
    "trade off, trade offs, tradeoff, tradeoffs, weigh, counterargument, counterarguments, objection, objections, fallacy",
    "root cause, pros and cons, recommendation, decision, conclusion, implications, consequences, hypothesis, paradox",
    // German
    "analysiere, analysieren, bewerte, beurteile, vergleiche, begrunde, begrunden, abwagen, wage ab, vor und nachteile",
    "schlussfolgerung, folgerung, ursachen, konsequenzen, argumentiere, logisch",
    // French
    "analyser, evalue, evaluer, compare, comparer, justifie, justifier, argumente, avantages et inconvenients, raisonne",
    "raisonnement, consequences",
    // Spanish, Portuguese
    "analiza, analizar, evalua, evaluar, compara, comparar, justifica, justificar, razona, argumenta, argumentos",
    "ventajas y desventajas, conclusion, consecuencias, analise, analisar, avalie, avaliar, compare, justifique",
    "argumente, raciocine, vantagens e desvantagens, conclusao, consequencias",
    "argument, arguments, evidence, examine, defend, position, both sides, strongest, competing, infer, inference, critically",
    "dilemma, ethical, philosophical, optimal, strategy, most likely, puzzle, riddle, work out, figure out, tells the truth",
    "liar, discuss, plausible, untersuche, argumente, belege, erortere, diskutiere, stellungnahme, abwagung, wage, strategie",
    "ratsel, dilemme, pese, discute, strategie, enigme, examina, defiende, dilema, sopesa, evidencia, estrategia, acertijo",
    "examine, defenda, evidencias, pondere, discuta, enigma",
  ],
  /** The verbs of a request for more than a fact. */
  task: [
    "write, explain, describe, summarize, summarise, summary, draft, create, build, design, implement, develop, generate",
    "compose, rewrite, outline, propose, suggest, plan, find the bug, fix, improve, review, refactor, optimize, optimise",
    "difference between, differences between, main differences, how does, how do, how can, how would, why do, why does",
    "why did, give me, make, parse, aggregate, solve, add, find all, evaluate whether, here is",
    // German
    "schreibe, schreib, erklare, erklar, beschreibe, fasse, zusammenfassung, erstelle, entwirf, entwickle, implementiere",
    "verfasse, formuliere, gestalte, verbessere, plane, schlage vor, wie funktioniert, unterschied zwischen, warum, lose",
    // French
    "ecris, ecrire, ecrivez, explique, expliquer, expliquez, decris, decrire, resume, resumer, redige, rediger, cree",
    "creer, concois, concevoir, developpe, propose, ameliore, comment fonctionne, difference entre, pourquoi, calcule",
    // Spanish
    "escribe, escribir, explica, explicar, explicame, describe, resumen, resume, redacta, crea, crear, disena, disenar",
    "desarrolla, implementa, mejora, propon, como funciona, diferencia entre, por que, resuelve",
    // Portuguese
    "escreva, escrever, explique, explica, descreva, resuma, resumo, redija, crie, criar, projete, desenvolva, implemente",
    "melhore, proponha, diferenca entre, resolva",
    "help me, how to, how should, how could, how is, how did, how come, why is, why are, what happens, what happened",
    "what should, what would, what causes, what makes, what are, can you, could you, i need, i want, turn this, turn these",
    "overview, give an, tell me about, story of, history of, paraphrase, rephrase, edit, proofread, organise, organize",
    "set up, configure, install, migrate, list, recommend, brainstorm, advantages, benefits, teach, guide, instructions",
    "compare, extract, classify, translate the following, prepare, analyze, analyse, calculate, convert this, show me how",
    "wie entsteht, wie entstehen, wie kann, wie macht, wie mache, wie soll, wie sollte, was passiert, was soll, was sollte",
    "erzahl, erzahle, hilf, hilf mir, ich brauche, gib mir, nenne, uberarbeite, organisiere, richte, konfiguriere, konzept",
    "uberblick, vergleiche, unterschiede, skizziere, warum ist, weshalb, wieso, berechne, liste",
    "raconte, aide moi, j ai besoin, donne, donne moi, comment faire, comment puis, comment peut, que se passe, reformule",
    "corrige, organise, prepare, presente, compare, donnez, faites, analyse",
    "como puedo, como se, como hacer, ayudame, necesito, dame, cuentame, que pasa, reescribe, organiza, prepara, compara",
    "haz, elabora, configura, recomienda, calcula, analiza, como posso, como fazer, ajude, preciso, conte, reescreva",
    "corrija, organize, compare, faca, elabore, recomende, calcule, analise, por que",
  ],
  /** First this, then that. */
  sequence: [
    "first, second, third, then, next, after that, afterwards, finally, lastly, and finally",
    "zuerst, zunachst, dann, danach, anschliessend, anschließend, schliesslich, schließlich, zuletzt, zum schluss",
    "d abord, ensuite, puis, apres cela, enfin, finalement",
    "primero, luego, despues, a continuacion, por ultimo, finalmente",
    "primeiro, depois, em seguida, por fim",
  ],
  constraint: [
    "must, must not, should, shall, at least, at most, no more than, not more than, exactly, without, do not use, don t use",
    "do not exceed, make sure, ensure, include, including, only, never, each, every, required, handle, cover, covers, comply",
    "muss, mussen, soll, sollte, darf nicht, darf keine, mindestens, hochstens, genau, ohne, keine, nur, verwende keine",
    "stelle sicher, jede, jeder, jedes",
    "doit, doivent, devrait, au moins, au plus, exactement, sans, uniquement, ne doit pas, assure toi, chaque",
    "debe, deben, no debe, al menos, como maximo, exactamente, sin, solo, asegurate, cada, no mas de, mas de",
    "deve, devem, nao deve, nao pode, pelo menos, no maximo, exatamente, sem, somente, garanta, cada",
    "has to, have to, needs to, need to, cannot, can not, can t, up to, within, under, keep, avoid, limit, limited to",
    "maximal, innerhalb, falls, ausschliesslich, ausschließlich, maximum, dans la limite, evite, eviter, si quelque",
    "dentro de, evita, si algo, tiene que, tienen que, tem que, evite, dentro do, se algo",
  ],
  /** Greetings, thanks and questions for one fact. */
  plain: [
    "hi, hello, hey, good morning, good evening, thanks, thank you, ok, okay, bye, what is, what s, what does, who is",
    "who was, who wrote, who painted, when did, when was, when is, where is, how old, how many, how much, how tall, how far",
    "what time, capital of, meaning of, translate, convert, spell, synonym, define, tell me a joke, is a",
    "hallo, guten morgen, guten tag, guten abend, danke, wer ist, wer war, wann, wie heisst, wie heißt, wie viele, wie alt",
    "was ist, was bedeutet, wo ist, hauptstadt, ubersetze",
    "bonjour, bonsoir, salut, merci, qui est, quand, combien, quelle est, quel est, qu est ce que, ou est, capitale, traduis",
    "hola, buenos dias, buenas noches, gracias, quien, cuando, cuanto, cuantos, cuantas, cual es, que es, donde, traduce",
    "ola, bom dia, boa tarde, boa noite, obrigado, obrigada, quem, quando, quantos, quantas, qual e, o que e, onde, traduza",
    "which country, which city, which year, which planet, what year, what day, does, plural of, stand for, in welchem jahr, wie spat, moin, quelle heure, que horas, howdy, cool",
  ],
};
